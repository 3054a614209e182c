package host

import (
	"errors"
	"fmt"
	"time"

	"github.com/chaos-monkey-engine/cmed/internal/engine"
	"github.com/chaos-monkey-engine/cmed/internal/host/internal/sandbox"
	"github.com/chaos-monkey-engine/cmed/sdk/pluginv1"
)

// Trial is what a Host does besides its duty when a plugin is tried out before
// anybody trusts it.
type Trial struct {
	// Sandbox keeps every process from the network, from changing anything outside
	// its own folder, from signalling others and from changing the machine. What
	// it tried is refused and seen by Saw. It is for plugins that are wrong, not
	// for those that mean harm: see package sandbox. Host.New fails with
	// ErrNoSandbox where the kernel can't.
	Sandbox bool
	// Saw is told what processes do that their calls don't show. It is called
	// from any goroutine; what concerns a call comes before that call returns.
	Saw func(Sighting)
}

// ErrNoSandbox is returned by New where Trial.Sandbox is wanted and the kernel
// has no means for it.
var ErrNoSandbox = errors.New("this kernel can't keep a plugin from the network and from files")

// SightingKind says what was seen.
type SightingKind string

// The kinds of sightings.
const (
	// SawWrite: it tried to change a file outside its own folder. Detail is
	// the path.
	SawWrite SightingKind = "write"
	// SawNetwork: it tried to connect to something or to listen, or to open a
	// socket that needs neither. Detail is the address or the kind of socket, such
	// as "10.0.0.1:443", "IPv4 (datagram)" or "unix:/run/docker.sock".
	SawNetwork SightingKind = "network"
	// SawSignal: it tried to send a signal to a process of somebody else's. Detail
	// is which, to whom.
	SawSignal SightingKind = "signal"
	// SawSystem: it tried to change the machine: its clock, mounts, modules, name, or
	// the limits or priority of a process of somebody else's. Detail is the system
	// call.
	SawSystem SightingKind = "system"
	// SawStdout: it wrote to standard output after its handshake. Detail is the
	// beginning of what it wrote.
	SawStdout SightingKind = "stdout"
	// SawProcess: a process of it still ran when its first process had ended.
	// Detail is its command line.
	SawProcess SightingKind = "process"
	// SawUndoRecord: it announced an undo record in a dry run. Detail is the
	// record's description.
	SawUndoRecord SightingKind = "undo_record"
)

// Sighting is something a process did.
type Sighting struct {
	// Call is what the process was started for: an executor's id, or the name of
	// a call, such as "describe-5f0c…".
	Call   string
	Kind   SightingKind
	Detail string
}

// Answer is how a plugin answered when it was asked what it offers, in one way.
type Answer struct {
	// Stdout is what it printed; nil when it was asked by RPC.
	Stdout []byte
	Stderr string
	// Exit says in words how the process ended.
	Exit string
	Took time.Duration
	// Description is what it said, nil if that could not be read: then Err says
	// why, as the daemon would list it.
	Description *pluginv1.Description
	Err         *engine.PluginError
}

// Examination is all that asking a file what it offers brings to light.
type Examination struct {
	Digest string
	// Argument and Again are the answers to the describe argument, asked twice;
	// RPC that to the call.
	Argument, Again, RPC Answer
}

// Trialled is what the Process of a Host with a Trial can do besides.
type Trialled interface {
	engine.Process
	// HangUp closes the lifeline and nothing else, as the death of the daemon
	// does. Run goes on and returns when the process has ended.
	HangUp()
}

// trySandbox returns ErrNoSandbox, with the reason, if there is to be one and
// can't be.
func (c Config) trySandbox() error {
	if c.Trial == nil || !c.Trial.Sandbox {
		return nil
	}
	if err := sandbox.Probe(onOwnThread); err != nil {
		return fmt.Errorf("host: %w: %w", ErrNoSandbox, err)
	}
	return nil
}

// sandboxed says whether every process is put in a sandbox.
func (h *Host) sandboxed() bool { return h.cfg.Trial != nil && h.cfg.Trial.Sandbox }

// watched says whether anybody wants to be told of sightings.
func (h *Host) watched() bool { return h.cfg.Trial != nil && h.cfg.Trial.Saw != nil }

// saw tells of what a process with a mark did, if anybody wants to be told.
func (h *Host) saw(mark string, kind SightingKind, detail string) {
	if h.watched() {
		h.cfg.Trial.Saw(Sighting{Call: called(mark), Kind: kind, Detail: detail})
	}
}

// HangUp closes the lifeline and nothing else.
func (p *process) HangUp() { p.child.cutLifeline() }

var _ Trialled = (*process)(nil)
