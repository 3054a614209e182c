package host

import (
	"path/filepath"
	"sync/atomic"

	"github.com/chaos-monkey-engine/cmed/internal/host/internal/landlock"
	"github.com/chaos-monkey-engine/cmed/internal/host/internal/sandbox"
)

// sightingKinds are what a sandbox calls what is seen.
var sightingKinds = map[sandbox.Kind]SightingKind{
	sandbox.Write: SawWrite, sandbox.Network: SawNetwork, sandbox.Signal: SawSignal, sandbox.System: SawSystem,
}

// room is the sandbox of one process and all it starts.
type room struct {
	policy sandbox.Policy
	leader atomic.Int64 // the process's number, 0 before it has one
}

// room returns a sandbox for a command. The process may change its own folder.
func (h *Host) room(cmd command) *room {
	r := &room{}
	r.policy = sandbox.Policy{
		Own: resolved(filepath.Clean(cmd.dir)),
		Mine: func(pid int) bool {
			_, group := processState(pid)
			return group != 0 && int64(group) == r.leader.Load() || marked(pid, cmd.mark)
		},
		Saw: func(a sandbox.Attempt) { h.saw(cmd.mark, sightingKinds[a.Kind], a.What) },
	}
	return r
}

// heldBy takes note of what the kernel holds by itself, with the rules of a sandbox.
func (r *room) heldBy(rules *landlock.Ruleset) {
	const truncates = 3 // from that version on it holds truncation too
	abi, err := landlock.Version()
	r.policy.Held = rules != nil && err == nil && abi >= truncates
}
