package docker

import (
	"context"
	"errors"
	"net/http"
	"testing"
	"time"

	"github.com/chaos-monkey-engine/cmed/sdk/compute"
)

func TestIdentityIsTheEnginesID(t *testing.T) {
	d, e := openReal(t)
	var info struct{ ID string }
	e.Read(t, "/info", &info)
	if got, err := d.Identity(t.Context()); err != nil || got != info.ID || got == "" {
		t.Errorf("%q, %v, want %q", got, err, info.ID)
	}
}

// Whoever waits no longer than so long learns who gave no answer.
func TestANearDeadlineLeavesTimeForWords(t *testing.T) {
	d := serve(t, func(_ http.ResponseWriter, r *http.Request) { <-r.Context().Done() })
	d.call = time.Minute
	for name, do := range map[string]func(ctx context.Context) error{
		"list": func(ctx context.Context) error { _, err := d.List(ctx, nil); return err },
		"find": func(ctx context.Context) error { _, err := d.Find(ctx, oneID); return err },
	} {
		ctx, cancel := contextFor(t, 1500*time.Millisecond, errors.New("the preview is over"))
		err := do(ctx)
		mustFail(t, err, compute.ErrUnreachable, "no answer from "+d.address.String()+" within ")
		if ctx.Err() != nil {
			t.Errorf("%s: the words came too late", name)
		}
		cancel()
	}
}
