// Package docker is compute's provider for containers: a Driver of one Docker
// Engine, or of what speaks its API, such as Podman.
//
// A node is a container. Its id is the engine's full one, its tags are its
// labels. The engine is the one that the environment names, as for Docker's own
// command line: DOCKER_HOST (unix:// or tcp://, default the usual socket), with
// DOCKER_TLS_VERIFY or DOCKER_CERT_PATH for TLS, in which the engine's
// certificate is always verified. Contexts are not read.
//
// The container in which this process runs, if it does, is never listed: whoever
// hits it ends the one that would take the harm back. It is known by the
// hostname, which is a container's short id unless it was given another, and by
// the id that the engine leaves in the container's mounts and cgroups.
package docker

import (
	"context"
	"log/slog"
	"time"

	"github.com/moby/moby/client"

	"github.com/chaos-monkey-engine/cmed/sdk/compute"
)

// callBound is how long an engine may take to answer what it can answer at once.
const callBound = 10 * time.Second

// driver is a compute.Driver, compute.Killer and compute.Pauser.
type driver struct {
	engine  *client.Client
	address address
	own     self
	log     *slog.Logger
	call    time.Duration // bounds a call that has nothing to wait for
}

var (
	_ compute.Opener        = Open
	_ compute.Killer        = (*driver)(nil)
	_ compute.Pauser        = (*driver)(nil)
	_ compute.Identified    = (*driver)(nil)
	_ compute.FilterChecker = (*driver)(nil)
)

// Open returns a driver of the engine that the environment names. It doesn't
// talk to it. compute.ErrUnconfigured is returned when what the environment says
// can't be used, and for a region: an engine has none.
func Open(_ context.Context, o compute.Options) (compute.Driver, error) {
	if o.Region != "" {
		return nil, unconfigured("the provider docker has no regions, but region is "+quoted(o.Region),
			"leave region out")
	}
	address, err := addressFromEnv()
	if err != nil {
		return nil, err
	}
	engine, err := address.client()
	if err != nil {
		return nil, err
	}
	log := o.Log
	if log == nil {
		log = slog.New(slog.DiscardHandler)
	}
	return &driver{engine: engine, address: address, own: readSelf(), log: log, call: callBound}, nil
}
