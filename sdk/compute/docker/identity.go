package docker

import (
	"context"

	"github.com/moby/moby/client"

	"github.com/chaos-monkey-engine/cmed/sdk/compute"
)

// Identity is the id that the engine has given itself. Podman says another one
// each time, so that nothing can be told by it.
func (d *driver) Identity(ctx context.Context) (string, error) {
	bound := compute.Allowance(ctx, d.call)
	bounded, cancel := context.WithTimeout(ctx, bound)
	defer cancel()
	answer, err := d.engine.Info(bounded, client.InfoOptions{})
	if err != nil {
		return "", d.failed(ctx, "SystemInfo", bound, err)
	}
	return answer.Info.ID, nil
}
