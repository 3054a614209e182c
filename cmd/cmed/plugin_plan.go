package main

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"text/tabwriter"
	"time"

	"github.com/chaos-monkey-engine/cmed/internal/byhand"
	"github.com/chaos-monkey-engine/cmed/internal/engine"
)

// plan shows what a planner plans.
func (r *pluginRun) plan(ctx context.Context, p *byhand.Plugin, call byhand.Call, interrupts <-chan error) error {
	if r.dryRun || r.undo {
		return usagef("%s is a planner: it does nothing that could be left out or undone", call.Offer.Ref)
	}
	doc, err := readArgs("attack", r.attack, r.stdin)
	if err != nil {
		return err
	}
	if doc == nil {
		doc = json.RawMessage(`{"ref": "by:Hand", "args": {}}`)
	}
	var attack engine.Config
	if err := json.Unmarshal(doc, &attack); err != nil {
		return usagef("--attack: it is not a config {ref, args}: %w", err)
	}
	planned, err := p.Plan(ctx, call, attack, interrupts)
	if err != nil {
		return explainByHand(err)
	}
	if planned.ZoneUsed && !r.cfg.zoneChosen && zonesDiffer(r.cfg.zone, time.Local, time.Now()) {
		planned.Warnings = append(planned.Warnings, assumedZone(r.cfg.zone, time.Local, time.Now()))
	}
	if r.forPrograms() {
		return r.output.write(r.stdout, planned)
	}
	writeWarnings(r.stderr, append(p.Warnings(), planned.Warnings...))
	fmt.Fprintf(r.stderr, "%s of %s (sha256 %.12s), seed %d: %s planned, nothing is run\n", planned.Ref,
		printable(call.Offer.Plugin), planned.Digest, planned.Seed, count(len(planned.Executions), "execution"))
	return writeExecutions(r.stdout, planned.Executions, r.zone())
}

func writeExecutions(w io.Writer, list []byhand.Execution, zone *time.Location) error {
	if len(list) == 0 {
		return nil
	}
	table := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	fmt.Fprintln(table, "DUE\tIN WORDS\tNAME\tARGS")
	for _, x := range list {
		args := "-"
		if x.Args != nil {
			args = string(x.Args)
		}
		fmt.Fprintf(table, "%s\t%s\t%s\t%s\n", x.At.In(zone).Format(time.RFC3339), fromNow(time.Until(x.At)),
			printable(x.Name), printable(args))
	}
	return table.Flush()
}
