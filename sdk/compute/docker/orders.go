package docker

import (
	"context"
	"errors"
	"slices"

	"github.com/moby/moby/api/types/container"

	"github.com/chaos-monkey-engine/cmed/sdk/compute"
)

// Start starts containers; one that runs is left as it is.
func (d *driver) Start(ctx context.Context, o compute.Order) ([]compute.Change, error) {
	return d.order(ctx, o, start)
}

// Stop stops containers as docker stop does: with their stop signal, and with
// SIGKILL those that haven't ended within their own stop timeout (10 s unless
// they have one). Unlike a cloud's, an engine answers when that is over, so Stop
// blocks until then. A paused container is stopped too; one that doesn't run is
// left as it is. Its restart policy doesn't start it again.
func (d *driver) Stop(ctx context.Context, o compute.Order) ([]compute.Change, error) {
	return d.order(ctx, o, stop)
}

// Reboot stops containers as Stop does and starts them again.
func (d *driver) Reboot(ctx context.Context, o compute.Order) ([]compute.Change, error) {
	return d.order(ctx, o, reboot)
}

// Terminate kills containers and removes them with their anonymous volumes. It
// can't be taken back.
func (d *driver) Terminate(ctx context.Context, o compute.Order) ([]compute.Change, error) {
	return d.order(ctx, o, terminate)
}

// Kill ends containers with SIGKILL, as docker kill does. To the engine that is a
// stop by hand: the restart policy, whichever it is, doesn't start the container
// again (always does when the engine itself is started anew). A crash that the
// restart policy mends is made from within: kill the process, not the container.
func (d *driver) Kill(ctx context.Context, o compute.Order) ([]compute.Change, error) {
	return d.order(ctx, o, kill)
}

// Pause freezes all processes of containers.
func (d *driver) Pause(ctx context.Context, o compute.Order) ([]compute.Change, error) {
	return d.order(ctx, o, pause)
}

// Unpause takes Pause back.
func (d *driver) Unpause(ctx context.Context, o compute.Order) ([]compute.Change, error) {
	return d.order(ctx, o, unpause)
}

// order looks at all the containers first and changes none if one isn't there or
// is in a state that doesn't allow the action. What fails after that doesn't keep
// the others from being tried: the changes that were made come back with the
// errors of those that weren't. A dry run ends after the look.
func (d *driver) order(ctx context.Context, o compute.Order, a action) ([]compute.Change, error) {
	ids := slices.Compact(slices.Sorted(slices.Values(o.IDs)))
	found, errs := each(ids, func(id string) (container.InspectResponse, error) {
		c, err := d.inspect(ctx, id)
		if err == nil {
			err = a.allowed(c)
		}
		return c, err
	})
	if err := all(errs); err != nil || o.DryRun {
		return nil, err
	}
	containers := make(map[string]container.InspectResponse, len(ids))
	for _, c := range found {
		containers[c.ID] = c
	}
	changes, errs := each(ids, func(id string) (compute.Change, error) {
		return d.act(ctx, containers[id], a)
	})
	var made []compute.Change
	for i, change := range changes {
		if errs[i] == nil {
			made = append(made, change)
		}
	}
	return made, all(errs)
}

// act does it to one container.
func (d *driver) act(ctx context.Context, c container.InspectResponse, a action) (compute.Change, error) {
	change := compute.Change{ID: c.ID, From: stateOf(c.State.Status), To: a.to}
	if slices.Contains(a.done, c.State.Status) {
		change.To = change.From
		return change, nil
	}
	if a.ends && c.HostConfig.AutoRemove {
		change.To = compute.Terminating
	}
	operation := a.operation + " " + short(c.ID)
	bound := d.call + a.patience(c)
	bounded, cancel := context.WithTimeout(ctx, bound)
	defer cancel()
	err := a.do(bounded, d.engine, c.ID)
	if err == nil || a.to == compute.Terminated && d.isGoing(ctx, c.ID) {
		return change, nil
	}
	return change, d.failed(ctx, operation, bound, err)
}

// isGoing reports whether a container is gone or about to be: somebody else, or
// the engine where it was run with --rm, removed it at the same time.
func (d *driver) isGoing(ctx context.Context, id string) bool {
	c, err := d.inspect(ctx, id)
	return errors.Is(err, compute.ErrNotFound) || err == nil && c.State.Status == container.StateRemoving
}

// all joins the errors that are some. A single one comes back as it is.
func all(errs []error) error {
	errs = slices.DeleteFunc(slices.Clone(errs), func(err error) bool { return err == nil })
	if len(errs) == 1 {
		return errs[0]
	}
	return errors.Join(errs...)
}
