package main

import (
	"bytes"
	"context"
	"encoding/json"
	"log/slog"
	"math/rand/v2"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/chaos-monkey-engine/cmed/sdk"
	"github.com/chaos-monkey-engine/cmed/sdk/pluginv1"
)

// fakeDaemon has a run run, and keeps what that says.
type fakeDaemon struct {
	id     string // of the run
	dryRun bool
	grace  time.Duration
	refuse error // every record
	// onRecord is called before a record is taken.
	onRecord func()

	mu      sync.Mutex
	log     bytes.Buffer
	records []*fakeRecord
	targets []sdk.Target
	result  []byte
}

// fakeRecord is an undo record and what became of it.
type fakeRecord struct {
	doc         []byte
	description string
	undoAt      time.Time
	outcome     sdk.Outcome // "" while it is open
	message     string
}

func newFakeDaemon() *fakeDaemon { return &fakeDaemon{id: jobID, grace: 4 * time.Second} }

// jobID is the id of the run in these tests.
const jobID = "0190a1b2c3d47e5f8091a2b3c4d5e6f7"

func (d *fakeDaemon) ID() string                       { return d.id }
func (d *fakeDaemon) Grace() time.Duration             { return d.grace }
func (d *fakeDaemon) DryRun() bool                     { return d.dryRun }
func (d *fakeDaemon) Seed() int64                      { return 7 }
func (d *fakeDaemon) Rand() *rand.Rand                 { return rand.New(rand.NewPCG(7, 0)) }
func (d *fakeDaemon) Log() *slog.Logger                { return slog.New(slog.NewJSONHandler(d, nil)) }
func (d *fakeDaemon) Progress(float64, string, ...any) {}

func (d *fakeDaemon) Targets(targets ...sdk.Target) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.targets = append(d.targets, targets...)
}

func (d *fakeDaemon) Result(doc any) error {
	text, err := json.Marshal(doc)
	d.mu.Lock()
	defer d.mu.Unlock()
	d.result = text
	return err
}

// Write takes the log.
func (d *fakeDaemon) Write(p []byte) (int, error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.log.Write(p)
}

func (d *fakeDaemon) record(_ context.Context, doc any, options ...sdk.UndoOption) (stored, error) {
	if d.onRecord != nil {
		d.onRecord()
	}
	if d.refuse != nil {
		return nil, d.refuse
	}
	text, err := json.Marshal(doc)
	if err != nil {
		return nil, err
	}
	var wire pluginv1.UndoRecord
	for _, option := range options {
		option(&wire)
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	r := &fakeRecord{doc: text, description: wire.GetDescription()}
	if wire.GetUndoAt() != nil {
		r.undoAt = wire.GetUndoAt().AsTime()
	}
	d.records = append(d.records, r)
	return storedFake{d, r}, nil
}

type storedFake struct {
	daemon *fakeDaemon
	record *fakeRecord
}

func (s storedFake) Undone(outcome sdk.Outcome, message string) error {
	s.daemon.mu.Lock()
	defer s.daemon.mu.Unlock()
	s.record.outcome, s.record.message = outcome, message
	return nil
}

// text is the log so far.
func (d *fakeDaemon) text() string {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.log.String()
}

// printed are the lines that the script has printed on a stream.
func (d *fakeDaemon) printed(t *testing.T, stream string) (lines []string) {
	t.Helper()
	for line := range strings.Lines(d.text()) {
		var entry struct{ Msg, Stream, Node string }
		if err := json.Unmarshal([]byte(line), &entry); err != nil {
			t.Fatal(err)
		}
		if entry.Stream == stream && entry.Node != "" {
			lines = append(lines, entry.Msg)
		}
	}
	return lines
}

// saw waits until the script has printed a line.
func (d *fakeDaemon) saw(t *testing.T, line string) {
	t.Helper()
	await(t, "the line "+line, func() bool { return slices.Contains(d.printed(t, "stdout"), line) })
}

// outcomes are what became of the records.
func (d *fakeDaemon) outcomes() (all []sdk.Outcome) {
	d.mu.Lock()
	defer d.mu.Unlock()
	for _, r := range d.records {
		all = append(all, r.outcome)
	}
	return all
}

// states are those of the targets, in the order in which they were told.
func (d *fakeDaemon) states() (all []string) {
	d.mu.Lock()
	defer d.mu.Unlock()
	for _, target := range d.targets {
		all = append(all, target.State)
	}
	return all
}

// last is the newest record, as an undo reads it.
func (d *fakeDaemon) last(t *testing.T) record {
	t.Helper()
	d.mu.Lock()
	defer d.mu.Unlock()
	if len(d.records) == 0 {
		t.Fatal("there is no record")
	}
	var r record
	if err := json.Unmarshal(d.records[len(d.records)-1].doc, &r); err != nil {
		t.Fatal(err)
	}
	return r
}

// document is the result.
func (d *fakeDaemon) document(t *testing.T) report {
	t.Helper()
	d.mu.Lock()
	defer d.mu.Unlock()
	var doc report
	if err := json.Unmarshal(d.result, &doc); err != nil {
		t.Fatalf("%v in %s", err, d.result)
	}
	return doc
}
