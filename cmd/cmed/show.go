package main

import (
	"context"
	"encoding/json"
	"time"

	"github.com/spf13/cobra"

	"github.com/chaos-monkey-engine/cmed/internal/client"
)

// showable is a kind of thing that a command shows by its id.
type showable[T any] struct {
	ids  completions
	find func(c *client.Client, ctx context.Context, id string) (T, error)
	raw  func(T) json.RawMessage
	// show writes what a person wants to know.
	show func(r *remote, thing T, now time.Time) error
}

// command makes cmd, which takes an id, show the thing: its document, or in words.
func (s showable[T]) command(p program, cmd *cobra.Command) *cobra.Command {
	r := newRemote(cmd, p, "text")
	cmd.ValidArgsFunction = r.complete(s.ids)
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		return r.run(cmd.Context(), func(ctx context.Context, c *client.Client) error {
			thing, err := s.find(c, ctx, args[0])
			if err != nil {
				return err
			}
			if r.forPrograms() {
				return r.write(s.raw(thing))
			}
			return s.show(r, thing, time.Now())
		})
	}
	return cmd
}
