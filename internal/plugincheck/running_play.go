package plugincheck

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"regexp"
	"strings"
	"syscall"
	"time"

	"github.com/chaos-monkey-engine/cmed/internal/engine"
	"github.com/chaos-monkey-engine/cmed/internal/host"
)

// play is how a run goes for a check: what it is given, and who interferes.
type play struct {
	// doing says in words what kind of run it is.
	doing  string
	config json.RawMessage
	// live makes it a run that is not dry, outside the sandbox.
	live bool
	// wait is how long the process waits for its Start.
	wait time.Duration
	// starting, if set, is called just before Start is sent.
	starting func(p host.Trialled)
	// message, if set, is called with each message of the attack as it comes,
	// counted from 1; the plugin's next one waits.
	message func(p host.Trialled, n int)
	// record, if set, answers for an undo record, as engine.Sink.Undo does.
	record func(p host.Trialled, r engine.NewUndo) error
}

// performance is how a run went.
type performance struct {
	// broken is why it could not even be launched.
	broken error
	exit   engine.Exit
	took   time.Duration
	// timedOut is set when the timeout of an example stopped it.
	timedOut time.Duration
	messages int
	// spoke is when its last message came, after its start.
	spoke time.Duration
	// early is what it logged before Start was sent, by its own account.
	early   string
	hits    []string // the targets reported as hit
	records []record
	seen    []host.Sighting
}

// record is an undo record of a run.
type record struct {
	engine.UndoRecord
	config json.RawMessage
	// settled is set when the run itself took the harm back, or an undo did.
	settled bool
}

// The seed and the zone of all runs of a check.
const (
	seed = 1
	zone = "UTC"
)

// perform makes a run. It is stopped when ctx ends or the timeout of an example
// is over, and nothing is left of it when perform returns.
func (s *subject) perform(ctx context.Context, how play) performance {
	id := engine.NewExecutorID()
	s.note(string(id), how.doing)
	mark := s.saw.mark()
	h, offer, err := s.stage(how.live)
	if err != nil {
		return performance{broken: err}
	}
	launched, err := h.Launch(ctx, offer, id)
	if err != nil {
		return performance{broken: err, seen: s.saw.since(mark)}
	}
	process, ok := launched.(host.Trialled)
	if !ok {
		launched.Discard()
		return performance{broken: fmt.Errorf("the host runs it as %T", launched)}
	}
	limit := &engine.StopReason{State: engine.TimedOut, Reason: fmt.Sprintf("it took longer than %s", s.options.Timeout)}
	ctx, cancel := context.WithTimeoutCause(ctx, s.options.Timeout, limit)
	defer cancel()
	pause(ctx, how.wait)
	if how.starting != nil {
		how.starting(process)
	}
	began := time.Now()
	take := &recorder{play: how, process: process, offer: offer, id: id, started: began}
	p := &take.performance
	p.exit = process.Run(ctx, engine.Start{
		Executor: id, Plan: engine.NewPlanID(), PlanName: "a check", Name: how.doing,
		Config: engine.Config{Ref: offer.Ref, Doc: how.config}, Seed: seed, Due: began,
		Timeout: s.options.Timeout, Zone: zone, DryRun: !how.live,
	}, take)
	p.took, p.seen = time.Since(began), s.saw.since(mark)
	if p.exit.Stopped && errors.Is(context.Cause(ctx), limit) {
		p.timedOut = s.options.Timeout
	}
	return *p
}

// pause waits, at most until ctx ends.
func pause(ctx context.Context, d time.Duration) {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
	case <-ctx.Done():
	}
}

// stage is where a run is made, and the offer as it is served there.
func (s *subject) stage(live bool) (*host.Host, engine.Offer, error) {
	if !live {
		return s.host, *s.serves, nil
	}
	offer, err := s.live.Offer(engine.KindAttack, s.serves.Ref)
	return s.live, offer, err
}

// fault says in words why a run has no clean answer; "" if it has one.
func (p performance) fault() string {
	switch f := p.exit.Failure; {
	case p.broken != nil:
		return "it can't be run: " + brief(p.broken.Error())
	case p.timedOut > 0:
		return fmt.Sprintf("it gave no answer within %s", p.timedOut)
	case !p.exit.Finished:
		return broke(p.exit)
	case f != nil && (f.Stack != "" || panicked(f.Message)):
		return "it panics: " + brief(f.Message)
	}
	return ""
}

// refused is why a run failed, in the attack's own words; "" if it did not.
func (p performance) refused() string {
	if p.exit.Failure == nil {
		return ""
	}
	return brief(p.exit.Failure.Message)
}

// lingered says whether its process had to be killed after it had answered.
func (p performance) lingered() bool {
	return p.exit.Finished && p.exit.Status.Signal == syscall.SIGKILL.String()
}

// goroutine is how the stack of a Go panic begins, and traceback one of Python.
var goroutine, traceback = regexp.MustCompile(`(?m)^goroutine \d+ \[`), "Traceback (most recent call last)"

// panicked says whether a text is that of a program which broke.
func panicked(text string) bool {
	return strings.HasPrefix(text, "panic: ") || strings.Contains(text, traceback) || goroutine.MatchString(text)
}

// broke says how a run ended that gave no answer.
func broke(e engine.Exit) string { return brief(e.Err.Error()) }

// brief is the beginning of what was said, in one line.
func brief(text string) string {
	line, _, _ := strings.Cut(strings.TrimSpace(text), "\n")
	return cut(printable(strings.Join(strings.Fields(line), " ")), 200)
}

// recorder takes what a run reports, for a check. It implements engine.Sink.
type recorder struct {
	play
	performance
	process host.Trialled
	offer   engine.Offer
	id      engine.ExecutorID
	started time.Time
}

func (r *recorder) said() {
	r.messages++
	r.spoke = time.Since(r.started)
	if r.message != nil {
		r.message(r.process, r.messages)
	}
}

// Started implements engine.Sink.
func (r *recorder) Started(time.Time) { r.said() }

// Log implements engine.Sink. What the process prints, and what the host adds,
// are no messages of the attack.
func (r *recorder) Log(e engine.LogEntry) {
	if e.Source != "attack" {
		return
	}
	if r.early == "" && e.At.Before(r.started.Add(-r.wait/2)) {
		r.early = e.Message
	}
	r.said()
}

// Progress implements engine.Sink.
func (r *recorder) Progress(engine.Progress) { r.said() }

// Targets implements engine.Sink.
func (r *recorder) Targets(list []engine.Target) {
	for _, t := range list {
		if t.State == "hit" && len(r.hits) < mostDetails {
			r.hits = append(r.hits, t.ID)
		}
	}
	r.said()
}

// Result implements engine.Sink.
func (r *recorder) Result(json.RawMessage) { r.said() }

// Undo implements engine.Sink.
func (r *recorder) Undo(n engine.NewUndo) error {
	r.records = append(r.records, record{
		config: r.config,
		UndoRecord: engine.UndoRecord{
			UndoID: engine.UndoID{Executor: r.id, Sequence: n.Sequence}, Ref: r.offer.Ref, Digest: r.offer.Digest,
			Record: n.Record, Description: n.Description, Created: time.Now().UTC(), UndoAt: n.UndoAt,
			State: engine.RecordOpen,
		},
	})
	r.said()
	if r.record == nil {
		return nil
	}
	return r.record(r.process, n)
}

// Undone implements engine.Sink.
func (r *recorder) Undone(sequence uint64, a engine.UndoAnswer) {
	for i := range r.records {
		if r.records[i].Sequence == sequence {
			r.records[i].settled = a.Outcome.Settles()
		}
	}
	r.said()
}
