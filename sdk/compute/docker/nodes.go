package docker

import (
	"context"
	"errors"
	"maps"
	"net/netip"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/moby/moby/api/types/container"
	"github.com/moby/moby/api/types/network"
	"github.com/moby/moby/client"

	"github.com/chaos-monkey-engine/cmed/sdk/compute"
)

// List returns the containers that match, only running ones where no filter is
// about the state. Docker's words for states ("exited") are known as well as
// compute's. The filters are compared here, not by the engine, whose own match
// parts of names and know no wildcards.
func (d *driver) List(ctx context.Context, filters compute.Filters) ([]compute.Node, error) {
	saysState := slices.ContainsFunc(slices.Collect(maps.Keys(filters)), isState)
	return d.list(ctx, filters, func(state compute.State) bool { return saysState || state == compute.Running })
}

// Matching returns the containers that match, in any state.
func (d *driver) Matching(ctx context.Context, filters compute.Filters) ([]compute.Node, error) {
	return d.list(ctx, filters, func(compute.State) bool { return true })
}

func (d *driver) list(ctx context.Context, filters compute.Filters, wanted func(compute.State) bool) ([]compute.Node, error) {
	if err := checkFilters(filters); err != nil {
		return nil, err
	}
	const operation = "ContainerList"
	bound := compute.Allowance(ctx, d.call)
	bounded, cancel := context.WithTimeout(ctx, bound)
	defer cancel()
	listed, err := d.engine.ContainerList(bounded, client.ContainerListOptions{All: true})
	if err != nil {
		return nil, d.failed(ctx, operation, bound, err)
	}
	var nodes []compute.Node
	for _, c := range listed.Items {
		matches, err := filters.Match(func(name string) ([]string, bool) { return valuesOf(c, name) })
		if err != nil {
			return nil, &compute.Error{Kind: compute.ErrBadFilter, Operation: operation, Message: err.Error(), Err: err}
		}
		node := nodeOf(c)
		if !matches || !wanted(node.State) {
			continue
		}
		if d.own.is(c.ID) {
			d.log.Info("the container of this very process is left out", "id", c.ID)
			continue
		}
		nodes = append(nodes, node)
	}
	compute.SortByID(nodes)
	return nodes, nil
}

// Find returns the containers of these full ids. Their nodes have what a list
// lacks: Started, and in Extra "stop_timeout" (in seconds), "restart_policy" and,
// where the engine removes the container as soon as it ends (docker run --rm),
// "auto_remove": "true".
func (d *driver) Find(ctx context.Context, ids ...string) ([]compute.Node, error) {
	found, errs := each(ids, func(id string) (container.InspectResponse, error) { return d.inspect(ctx, id) })
	var nodes []compute.Node
	for i, c := range found {
		switch {
		case errs[i] == nil:
			nodes = append(nodes, inspectedNode(c))
		case !errors.Is(errs[i], compute.ErrNotFound):
			return nil, errs[i]
		}
	}
	compute.SortByID(nodes)
	return nodes, nil
}

// inspect asks the engine about one container. Only full ids are looked up: the
// engine would take anything else for a name or the start of an id, and find
// another container than the one that was meant.
func (d *driver) inspect(ctx context.Context, id string) (container.InspectResponse, error) {
	operation := "ContainerInspect " + short(id)
	if len(id) != 64 || !fullID.MatchString(id) {
		return container.InspectResponse{}, &compute.Error{
			Kind: compute.ErrNotFound, Operation: operation, Message: quoted(id) + " is not the full id of a container",
		}
	}
	bound := compute.Allowance(ctx, d.call)
	bounded, cancel := context.WithTimeout(ctx, bound)
	defer cancel()
	answer, err := d.engine.ContainerInspect(bounded, id, client.ContainerInspectOptions{})
	if err != nil {
		return container.InspectResponse{}, d.failed(ctx, operation, bound, err)
	}
	c := answer.Container
	if c.ID != id || c.State == nil || c.Config == nil || c.HostConfig == nil {
		return container.InspectResponse{}, d.notAnEngine(operation, errors.New("it doesn't describe that container"))
	}
	return c, nil
}

// short is an id as Docker shows it.
func short(id string) string {
	if len(id) == 64 {
		return id[:shortID]
	}
	return quoted(id)
}

func nodeOf(c container.Summary) compute.Node {
	node := compute.Node{
		ID: c.ID, Name: nameOf(c.Names), State: stateOf(c.State), Tags: c.Labels,
		Extra: map[string]string{"image": c.Image},
	}
	if c.NetworkSettings != nil {
		node.Private = addressesOf(c.NetworkSettings.Networks)
	}
	return node
}

func inspectedNode(c container.InspectResponse) compute.Node {
	node := compute.Node{
		ID: c.ID, Name: strings.TrimPrefix(c.Name, "/"), State: stateOf(c.State.Status), Tags: c.Config.Labels,
		Started: startedAt(c), Extra: map[string]string{"image": c.Config.Image},
	}
	if policy := c.HostConfig.RestartPolicy; !policy.IsNone() {
		node.Extra["restart_policy"] = policyText(policy)
	}
	node.Extra["stop_timeout"] = strconv.Itoa(int(stopTimeout(c) / time.Second))
	if c.HostConfig.AutoRemove {
		node.Extra["auto_remove"] = "true"
	}
	if c.NetworkSettings != nil {
		node.Private = addressesOf(c.NetworkSettings.Networks)
	}
	return node
}

// policyText writes a restart policy as docker run --restart has it.
func policyText(policy container.RestartPolicy) string {
	if policy.MaximumRetryCount > 0 {
		return string(policy.Name) + ":" + strconv.Itoa(policy.MaximumRetryCount)
	}
	return string(policy.Name)
}

// startedAt is zero for a container that never started: the engine says the year
// 1 then.
func startedAt(c container.InspectResponse) time.Time {
	t, err := time.Parse(time.RFC3339Nano, c.State.StartedAt)
	if err != nil {
		return time.Time{}
	}
	return t.UTC()
}

// nameOf is the container's name without the slash that the engine puts before
// it. A container that others link to has more names, such as /other/alias.
func nameOf(names []string) string {
	for _, name := range names {
		if name = strings.TrimPrefix(name, "/"); !strings.Contains(name, "/") {
			return name
		}
	}
	return ""
}

// addressesOf are those of a container in its networks, in the order of the
// networks' names.
func addressesOf(networks map[string]*network.EndpointSettings) []string {
	var addresses []string
	for _, name := range slices.Sorted(maps.Keys(networks)) {
		endpoint := networks[name]
		if endpoint == nil {
			continue
		}
		for _, a := range []netip.Addr{endpoint.IPAddress, endpoint.GlobalIPv6Address} {
			if a.IsValid() {
				addresses = append(addresses, a.String())
			}
		}
	}
	return addresses
}
