package main

import (
	"encoding/json"
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/chaos-monkey-engine/cmed/internal/client"
	"github.com/chaos-monkey-engine/cmed/internal/screen"
)

const executorLong = `An executor is one scheduled run of a plan's attack.`

// newExecutor is the parent of what concerns executors.
func newExecutor(p program) *cobra.Command {
	return parent("executor", "Show, move, halt and delete executors, and read their logs", executorLong,
		newExecutorList(p), newExecutorShow(p), newExecutorMove(p), newExecutorHalt(p), newExecutorDelete(p), newExecutorLog(p))
}

func newExecutorShow(p program) *cobra.Command {
	cmd := &cobra.Command{
		Use:   "show ID",
		Short: "Show an executor: its run, targets, result, undo and the end of its log",
		Args:  oneArgument("the id of an executor"),
	}
	return showable[client.Executor]{
		ids:  executorIDs(client.ExecutorQuery{All: true}),
		find: (*client.Client).Executor,
		raw:  func(e client.Executor) json.RawMessage { return e.Raw },
		show: (*remote).showExecutor,
	}.command(p, cmd)
}

func (r *remote) showExecutor(e client.Executor, now time.Time) error {
	s := r.screen()
	r.say("executor %s %s", printable(e.ID), s.Paint(screen.OfState(e.State), printable(e.State)))
	facts := []fact{
		{"reason", e.Reason},
		{"name", e.Name},
		{"attack", e.AttackRef},
		{"plan", e.PlanID},
		{"due", screen.Instant(e.NextRunTime, now)},
		{"started", startedWords(e, now)},
		{"finished", finishedWords(e, now)},
		{"undo", undoWord(e.Undo)},
		{"seed", strconv.FormatInt(e.Seed, 10)},
		{"dry run", dryWords(e.DryRun)},
	}
	if err := r.facts(append(facts, runFacts(e.Run)...)); err != nil {
		return err
	}
	return r.showRun(e, now)
}

// dryWords tell what a dry run is, "" when it is none.
func dryWords(dry bool) string {
	if dry {
		return "yes: the attack only says what it would do"
	}
	return ""
}

func startedWords(e client.Executor, now time.Time) string {
	if e.Started.IsZero() {
		return ""
	}
	text := screen.Instant(e.Started, now)
	if e.LagMillis != nil {
		text += fmt.Sprintf(", %.1f ms after it was due", *e.LagMillis)
	}
	return text
}

func finishedWords(e client.Executor, now time.Time) string {
	switch {
	case e.Finished.IsZero():
		return ""
	case e.Started.IsZero():
		return screen.Instant(e.Finished, now)
	default:
		return screen.Instant(e.Finished, now) + ", after " + screen.Took(e.Finished.Sub(e.Started))
	}
}

// runFacts tell how a run went and ended.
func runFacts(run *client.Run) []fact {
	if run == nil {
		return nil
	}
	var facts []fact
	if p := run.Progress; p != nil {
		text := p.Message
		if p.Percent != nil {
			text = strings.TrimSpace(fmt.Sprintf("%.0f%% %s", *p.Percent, p.Message))
		}
		facts = append(facts, fact{"progress", text})
	}
	if run.Failure != nil {
		facts = append(facts, fact{"failure", run.Failure.Message})
	}
	if exit := run.Exit; exit != nil {
		text := fmt.Sprintf("code %d", exit.Code)
		if exit.Signal != "" {
			text = "signal " + exit.Signal
		}
		text += fmt.Sprintf(", %.0f ms of CPU", exit.CPUMillis)
		if exit.PeakMemoryBytes > 0 {
			text += fmt.Sprintf(", %.1f MiB at most", float64(exit.PeakMemoryBytes)/(1<<20))
		}
		facts = append(facts, fact{"process", text})
	}
	return append(facts, fact{"isolation", strings.Join(run.Isolation, ", ")})
}

// showRun shows what is too long for a line.
func (r *remote) showRun(e client.Executor, now time.Time) error {
	s := r.screen()
	if e.Run != nil && len(e.Run.Targets) > 0 {
		r.say("")
		if err := targetTable(e.Run.Targets).Write(r.stdout, s); err != nil {
			return err
		}
	}
	if len(e.UndoRecords) > 0 {
		r.say("")
		if err := undoTable(e.UndoRecords, now).Write(r.stdout, s); err != nil {
			return err
		}
	}
	if e.Run != nil && len(e.Run.Result) > 0 && string(e.Run.Result) != "null" {
		r.say("\n%s", s.Paint(screen.Bold, "result"))
		if err := screen.WriteJSON(r.stdout, e.Run.Result); err != nil {
			return err
		}
	}
	if len(e.Log) > 0 {
		r.say("\n%s", s.Paint(screen.Bold, "the end of its log"))
		for _, line := range e.Log {
			r.say("%s", printableLines(line))
		}
	}
	return nil
}
