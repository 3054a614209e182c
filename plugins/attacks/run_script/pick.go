package main

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"net"
	"slices"
	"strconv"

	"github.com/chaos-monkey-engine/cmed/sdk"
	"github.com/chaos-monkey-engine/cmed/sdk/compute"
	"github.com/chaos-monkey-engine/cmed/sdk/compute/targeting"
)

// attack is run_script with the providers it was built with.
type attack struct{ targeting targeting.Targeting }

// maxMachines bounds the machines of one run, whose undo records the host takes.
const maxMachines = 200

// pick chooses whom to hit, in a run and when a dry run asks. What was found comes
// back also with an error about the choice; without any candidates nothing was.
func (a attack) pick(ctx context.Context, args scriptArgs, seed int64, r *rand.Rand) (targeting.Picked, error) {
	if err := args.check(); err != nil {
		return targeting.Picked{}, err
	}
	var picked targeting.Picked
	var err error
	if len(args.Hosts) > 0 {
		picked, err = a.pickHosts(args, seed, r)
	} else {
		picked, err = a.targeting.Pick(ctx, args.Args, seed, r)
	}
	if err == nil && len(picked.Chosen) > maxMachines {
		err = fmt.Errorf("%d machines are chosen, and one run takes %d at most; ask for fewer", len(picked.Chosen), maxMachines)
		picked.Chosen = nil
	}
	return picked, err
}

// pickHosts chooses among the hosts, by the same rule as among nodes.
func (a attack) pickHosts(args scriptArgs, seed int64, r *rand.Rand) (targeting.Picked, error) {
	picked := targeting.Picked{Provider: providerHosts, Seed: seed}
	if err := a.targeting.Check(args.Args); err != nil {
		return picked, err
	}
	picked.Candidates = args.nodes()
	compute.SortByID(picked.Candidates)
	picked.Candidates = slices.CompactFunc(picked.Candidates, func(a, b compute.Node) bool { return a.ID == b.ID })
	rule := compute.Rule{Count: args.Count, Percent: args.Percent, AtLeast: args.AtLeast, AllowAll: args.AllowAll}
	var err error
	picked.Chosen, err = rule.Choose(picked.Candidates, nil, r)
	if errors.Is(err, compute.ErrWouldBeEmpty) && args.AllowEmpty {
		picked.Empty = err.Error()
		return picked, nil
	}
	return picked, err
}

func (a attack) targetsCall(ctx context.Context, args scriptArgs, call *sdk.TargetsCall) ([]sdk.Target, error) {
	picked, err := a.pick(ctx, args, call.Seed(), call.Rand())
	if err != nil {
		return nil, err
	}
	return picked.Targets("selected"), nil
}

// address is where a chosen node is connected to.
func (a scriptArgs) address(n compute.Node) (string, error) {
	if len(a.Hosts) > 0 {
		return n.ID, nil
	}
	known, kind, other := n.Private, "private", "public"
	if a.Address == "public" {
		known, kind, other = n.Public, "public", "private"
	}
	if len(known) == 0 {
		return "", fmt.Errorf("it has no %s address; is it to be the %s one (address)?", kind, other)
	}
	return net.JoinHostPort(known[0], strconv.Itoa(a.SSH.port())), nil
}
