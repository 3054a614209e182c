package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"

	"github.com/chaos-monkey-engine/cmed/sdk/compute"
	"github.com/chaos-monkey-engine/cmed/sdk/compute/targeting"
)

var (
	// errGone is returned for a machine that will never be there again.
	errGone = errors.New("the machine is gone for good")
	// errElsewhere is returned for one that isn't found where it can't be said that
	// it would be.
	errElsewhere = errors.New("the machine is not found, and that it is gone can't be said; " +
		"have the daemon's environment lead where it did, or, if it is gone, abandon the undo")
)

// placeOf is where the chosen nodes are. It comes back without an identity if that
// can't be had.
func placeOf(ctx context.Context, picked targeting.Picked) (place, error) {
	if picked.Driver == nil {
		return place{}, nil // hosts
	}
	p := place{Provider: picked.Provider, Region: picked.Region}
	var err error
	p.Identity, err = identityOf(ctx, picked.Driver)
	return p, err
}

// identityOf is whose the nodes of a driver are, "" if it can't tell.
func identityOf(ctx context.Context, driver compute.Driver) (string, error) {
	identified, ok := driver.(compute.Identified)
	if !ok {
		return "", nil
	}
	return identified.Identity(ctx)
}

// locate returns where the machine is now. A provider is asked, for the region on
// record: its addresses come and go, and what is gone need not be waited for. Where
// it can't be asked the address on record is good enough only for a machine that
// has to prove who it is.
func (a attack) locate(ctx context.Context, args scriptArgs, r record, proven bool, log *slog.Logger) (string, error) {
	if r.Provider == "" {
		return r.Address, nil
	}
	args.Provider, args.Region = r.Provider, r.Region
	driver, err := a.targeting.Open(ctx, args.Args)
	var found []compute.Node
	if err == nil {
		found, err = driver.Find(ctx, r.Node)
	}
	switch {
	case err != nil && !proven:
		return "", fmt.Errorf("where the machine is now can't be asked, and with insecure_ignore_host_key another could answer at %s: %w", r.Address, err)
	case err != nil:
		log.Warn("the provider can't be asked where the machine is now; it is looked for where it was", "address", r.Address, "error", err)
		return r.Address, nil
	case len(found) == 0:
		return "", missing(ctx, driver, r)
	}
	switch node := found[0]; node.State {
	case compute.Terminating, compute.Terminated:
		return "", fmt.Errorf("%w: %s is %s", errGone, r.Node, node.State)
	case compute.Running, compute.Unknown:
		return args.address(node)
	default:
		return "", fmt.Errorf("%s is %s, and can't be reached until it runs", r.Node, node.State)
	}
}

// missing says what it means that a driver doesn't find the machine: that it is
// gone, if the driver looks where the run did.
func missing(ctx context.Context, driver compute.Driver, r record) error {
	identity, err := identityOf(ctx, driver)
	if err != nil {
		return fmt.Errorf("%s is not found, and whose the nodes are can't be asked: %w", r.Node, err)
	}
	region := r.Region
	if regional, ok := driver.(compute.Regional); ok {
		region = regional.Region()
	}
	switch {
	case r.Identity == "" || identity == "":
		return fmt.Errorf("%w: %s, of %s in %q, is on record without the account or engine it is of", errElsewhere, r.Node, r.Provider, r.Region)
	case identity != r.Identity || region != r.Region:
		return fmt.Errorf("%w: %s is of %s, and was looked for in %s", errElsewhere, r.Node, of(r.Region, r.Identity), of(region, identity))
	}
	return fmt.Errorf("%w: %s has no %s any more", errGone, of(region, identity), r.Node)
}

// of names a place.
func of(region, identity string) string {
	if region == "" {
		return identity
	}
	return identity + " in " + region
}
