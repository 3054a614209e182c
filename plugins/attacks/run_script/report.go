package main

import (
	"encoding/json"
	"sync"

	"github.com/chaos-monkey-engine/cmed/sdk/compute/targeting"
)

// report is the run's result document.
type report struct {
	targeting.Report
	Script    packed          `json:"script"` // without its content
	Undo      *packed         `json:"undo_script,omitempty"`
	Nodes     []machineReport `json:"nodes"`
	NodeCount int             `json:"nodes_count"`
}

// machineReport is what became of one machine.
type machineReport struct {
	ID      string `json:"id"`
	Address string `json:"address,omitempty"`
	State   state  `json:"state"`
	// Status is the script's; nil when it didn't end by itself.
	Status      *int   `json:"status,omitempty"`
	Signal      string `json:"signal,omitempty"`
	DurationMS  int64  `json:"duration_ms"`
	StdoutBytes int64  `json:"stdout_bytes"`
	StderrBytes int64  `json:"stderr_bytes"`
	Error       string `json:"error,omitempty"`
	// Undo says what became of the effect: "open", "scheduled", or how it was
	// taken back.
	Undo string `json:"undo,omitempty"`
}

// state is what became of a machine, in the words of targets.
type state string

const (
	stateSelected state = "selected" // nothing was done to it
	stateRunning  state = "running"  // the script has been started
	stateHit      state = "hit"      // the script has succeeded
	stateFailed   state = "failed"
	stateStopped  state = "stopped" // the run was stopped meanwhile
)

// maxNodeBytes bounds the machines in the report, in bytes; the host takes 256
// KiB, and the rest is below 200.
const maxNodeBytes = 48 << 10

// ledger keeps the report while machines are attacked at once.
type ledger struct {
	mu     sync.Mutex
	report report
}

func newLedger(picked targeting.Picked, r record, machines int) *ledger {
	l := &ledger{report: report{Report: picked.Report(), Script: r.Script, NodeCount: machines, Nodes: []machineReport{}}}
	l.report.Script.Gzip = nil
	if r.Undo != nil {
		undo := *r.Undo
		undo.Gzip = nil
		l.report.Undo = &undo
	}
	return l
}

// add takes what became of a machine and returns the report, with as many
// machines as there is room for.
func (l *ledger) add(m machineReport) report {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.report.Nodes = append(l.report.Nodes, m)
	shown := l.report
	size := 0
	for i, n := range l.report.Nodes {
		doc, err := json.Marshal(n)
		if err != nil {
			panic(err) // texts and numbers can always be written as JSON
		}
		if size += len(doc) + len(","); size > maxNodeBytes {
			shown.Nodes = l.report.Nodes[:i:i]
			break
		}
	}
	return shown
}
