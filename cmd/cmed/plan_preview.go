package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"regexp"
	"slices"
	"time"

	"github.com/chaos-monkey-engine/cmed/internal/client"
	"github.com/chaos-monkey-engine/cmed/internal/nearest"
	"github.com/chaos-monkey-engine/cmed/internal/screen"
)

// preview asks what the plan would be.
func (p planText) preview(ctx context.Context, c *client.Client) (client.Preview, error) {
	preview, err := c.PreviewPlan(ctx, p.body)
	return preview, p.withHint(err)
}

// lacking matches what the daemon says of a member that is missing.
var lacking = regexp.MustCompile(`^'([^']+)' is a required property`)

// withHint adds to a refusal, for a member of the plan itself that is missing, the
// one that was probably meant to be it.
func (p planText) withHint(err error) error {
	refusal, ok := errors.AsType[*client.Refusal](err)
	if !ok {
		return err
	}
	var members map[string]json.RawMessage
	if json.Unmarshal(p.body, &members) != nil {
		return err
	}
	for _, problem := range refusal.Problems {
		missing := lacking.FindStringSubmatch(problem.Message)
		if missing == nil || problem.Pointer != "" {
			continue
		}
		if near := nearest.Name(missing[1], slices.Sorted(maps.Keys(members))); near != "" {
			err = fmt.Errorf("%w; did you mean %q where it says %q?", err, missing[1], near)
		}
	}
	return err
}

// previewAll shows what the plans would be, those that are not refused.
func (l *planning) previewAll(ctx context.Context, c *client.Client, plans []planText) error {
	var documents []json.RawMessage
	var refusals []error
	for _, text := range plans {
		preview, err := text.preview(ctx, c)
		if isOfPlan(err) && len(plans) > 1 {
			refusals = append(refusals, fmt.Errorf("%s: %w", text.where, err))
			continue
		}
		if err != nil {
			return err
		}
		l.warn(preview.Warnings)
		documents = append(documents, preview.Raw)
		if l.forPrograms() {
			continue
		}
		if err := l.showPreview(preview); err != nil {
			return err
		}
	}
	if l.forPrograms() && len(documents) > 0 {
		if err := l.writeOneOrAll("previews", len(plans), documents); err != nil {
			return err
		}
	}
	return errors.Join(refusals...)
}

func (l *planning) showPreview(preview client.Preview) error {
	would := count(preview.Pending, "executor") + " would run"
	if not := preview.Total - preview.Pending; not > 0 {
		would += fmt.Sprintf(", %d would not", not)
	}
	l.say("dry run of %q: %s; nothing is stored", preview.Name, would)
	if len(preview.Executors) > 0 {
		if err := executorTable(preview.Executors, true, time.Now()).Write(l.stdout, l.screen()); err != nil {
			return err
		}
	}
	if more := preview.Total - len(preview.Executors); more > 0 {
		l.say("... and %d more", more)
	}
	l.say(`times and choices are drawn with seed %d; put "seed": %d into the plan to get the same`, preview.Seed, preview.Seed)
	return writeTargets(l.stdout, l.screen(), preview)
}

func writeTargets(w io.Writer, s screen.Screen, p client.Preview) error {
	words := ""
	switch {
	case p.TargetsError != "":
		words = "the targets can't be listed now: " + printable(p.TargetsError)
	case p.Targets == nil:
		words = "this attack does not tell its targets beforehand"
	case len(p.Targets) == 0:
		words = "no targets as things are now"
	}
	if words != "" {
		_, err := fmt.Fprintln(w, words)
		return err
	}
	if _, err := fmt.Fprintln(w, "the first of them would hit, as things are now:"); err != nil {
		return err
	}
	return targetTable(p.Targets).Write(w, s)
}

func targetTable(targets []client.Target) *screen.Table {
	table := screen.NewTable("TARGET", "NAME", "STATE")
	for _, t := range targets {
		table.Row(t.ID, t.Name, t.State)
	}
	return table
}
