package remote

import (
	"context"
	"errors"
	"fmt"
	"strings"
)

// Uninstall removes the script, if it is still the job's, with the folders that
// Install made for it if they are empty, and what the job has on file. It reports
// whether the script was there and whether it was left because it is another's. A
// script that another installed job of the same user has at the same path stays
// for that job, as do the folders.
// It ends nothing: call End first.
func (c *Client) Uninstall(ctx context.Context, j Job) (Removal, error) {
	if err := j.check(); err != nil {
		return "", err
	}
	ctx, cancel := context.WithTimeoutCause(ctx, 2*askTimeout, errors.New("the machine didn't answer in time"))
	defer cancel()
	said, err := c.ask(ctx, j, j.about(), "folder", "occupant", "inspect")
	if err != nil {
		return "", fmt.Errorf("look at %s: %w", j.Path, err)
	}
	found := j.compare(said)
	state := "changed"
	if found == occupantSame {
		state = "same"
	}
	if said, err = c.ask(ctx, j, append(j.about(), variable{"script", state}), "folder", "remove"); err != nil {
		return "", fmt.Errorf("remove %s: %w", j.Path, err)
	}
	switch found {
	case occupantSame:
		return Removal(strings.TrimSpace(said)), nil
	case occupantNone:
		return Gone, nil
	default:
		return Changed, nil
	}
}
