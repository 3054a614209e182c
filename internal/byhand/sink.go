package byhand

import (
	"encoding/json"
	"fmt"
	"time"

	"github.com/chaos-monkey-engine/cmed/internal/engine"
)

// sink takes what the run reports. It implements engine.Sink.
type sink struct {
	folder *folder
	offer  engine.Offer
	scrub  engine.Scrubber
	to     Reporter
	run    engine.Run // what is shown in the end
}

var _ engine.Sink = (*sink)(nil)

// Started changes nothing: a person sees it by the log.
func (s *sink) Started(time.Time) {}

// Log passes a line on.
func (s *sink) Log(e engine.LogEntry) { s.to.Log(s.scrub.Entry(e)) }

// Progress passes on how far the run is.
func (s *sink) Progress(p engine.Progress) {
	p.Message = s.scrub.Text(p.Message)
	s.to.Progress(p)
}

// Targets keeps what was said last of each, and passes it on.
func (s *sink) Targets(targets []engine.Target) {
	clean := make([]engine.Target, len(targets))
	for i, t := range targets {
		clean[i] = s.scrub.Target(t)
		s.run.Tell(clean[i])
	}
	s.to.Targets(clean)
}

// Result keeps the last one.
func (s *sink) Result(doc json.RawMessage) { s.run.Result = s.scrub.Doc(doc) }

// Undo makes a record durable before the plugin may do the harm.
func (s *sink) Undo(n engine.NewUndo) error {
	if !s.offer.CanUndo {
		return fmt.Errorf("%s says that it cannot undo, so no record is taken", s.offer.Ref)
	}
	err := s.folder.ledger.add(engine.UndoRecord{
		UndoID: engine.UndoID{Executor: s.folder.account.Executor, Sequence: n.Sequence},
		Ref:    s.offer.Ref, Digest: s.offer.Digest, Record: n.Record, Description: n.Description,
		Created: time.Now().UTC(), UndoAt: n.UndoAt, State: engine.RecordOpen,
	})
	if err != nil {
		s.note("error", "an undo record could not be stored: "+err.Error())
	}
	return err
}

// Undone notes that the run took back a harm itself.
func (s *sink) Undone(sequence uint64, a engine.UndoAnswer) {
	_, err := s.folder.ledger.change(sequence, func(u *engine.UndoRecord) {
		u.Outcome, u.Message = a.Outcome, s.scrub.Text(a.Message)
		if a.Outcome.Settles() {
			u.State, u.Finished = engine.RecordUndone, time.Now().UTC()
		}
	})
	if err != nil {
		s.note("warn", fmt.Sprintf("what the run reported of undo record %d could not be stored: %s", sequence, err))
	}
}

// note adds a line of our own.
func (s *sink) note(level, text string) {
	s.Log(engine.LogEntry{At: time.Now().UTC(), Level: level, Source: "cmed", Message: text})
}
