package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"

	"github.com/chaos-monkey-engine/cmed/sdk/compute"
)

// errElsewhere is returned when nothing of what was hit is found, and it isn't
// known that the environment leads to where it was hit.
var errElsewhere = errors.New("none of the nodes that were hit is there")

const lookElsewhere = "check the credentials, the profile or DOCKER_HOST that the daemon has now, then halt the run again; or bring them back by hand"

// identity asks a driver whose its nodes are. A run doesn't fail where that can't
// be told.
func identity(ctx context.Context, driver compute.Driver, log *slog.Logger) string {
	identified, ok := driver.(compute.Identified)
	if !ok {
		return ""
	}
	whose, err := identified.Identity(ctx)
	if err != nil {
		log.Warn("whose the nodes are can't be told, which an undo may want to know", "error", err)
		return ""
	}
	return whose
}

// confirm tells whether a driver leads to where the nodes of the record are or
// were: errElsewhere if it doesn't or that can't be told, another error if it
// couldn't be asked.
func (r undoRecord) confirm(ctx context.Context, driver compute.Driver) error {
	identified, ok := driver.(compute.Identified)
	if !ok || r.Whose == "" {
		return fmt.Errorf("%w, and it is not on record in whose account or engine they were; %s", errElsewhere, lookElsewhere)
	}
	now, err := identified.Identity(ctx)
	switch {
	case err != nil:
		return fmt.Errorf("none of the nodes that were hit is there, and whose account or engine this is can't be told: %w", err)
	case now != r.Whose:
		return fmt.Errorf("%w: they are %s's, and the daemon's environment now leads to %s; %s", errElsewhere, r.Whose, now, lookElsewhere)
	}
	return nil
}
