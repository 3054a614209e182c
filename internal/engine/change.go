package engine

import (
	"encoding/json"
	"maps"
	"time"
)

// Change tells that something which people follow has become another. It is told
// after it is durable. Exactly one of the pointers is set; what it points to is
// the receiver's own.
type Change struct {
	At time.Time
	// Type is the thing and what happened to it: "plan.created", "plan.deleted",
	// "executor.<state>", "executor.moved", "executor.deleted", "undo.<state>",
	// "lever.engaged", "lever.released", "lever.stopped" (what ran when it was
	// engaged is gone, and its undos are at their end), "plugin.<state>",
	// "plugin.gone".
	//
	// The executors of a new plan are told with the plan, and so are those of one
	// that is deleted.
	Type string

	Plan     *Plan       // without executors and args
	Executor *Executor   // without args, claim and deletion
	Undo     *UndoRecord // without the document
	Lever    *LeverState
	Plugin   *PluginFile
}

// PluginChange is the change to a plugin file as the host tells it.
func PluginChange(f PluginFile) Change {
	return Change{At: time.Now().UTC(), Type: "plugin." + string(f.State), Plugin: &f}
}

// planChange is a change to a plan: its configs are told by their refs alone.
func planChange(what string, p Plan) Change {
	p.Attack, p.Planner = bare(p.Attack.Ref), bare(p.Planner.Ref)
	p.AttackSecrets, p.PlannerSecrets, p.Labels = nil, nil, maps.Clone(p.Labels)
	return Change{At: time.Now().UTC(), Type: "plan." + what, Plan: &p}
}

// bare is a config of which only the ref is shown.
func bare(ref Ref) Config {
	doc, err := json.Marshal(struct {
		Ref Ref `json:"ref"`
	}{ref})
	if err != nil { // a string can always be encoded
		doc = []byte("{}")
	}
	return Config{Ref: ref, Doc: doc}
}

func executorChange(what string, ex Executor) Change {
	ex.Args, ex.Claim, ex.Deletion = nil, nil, nil
	return Change{At: time.Now().UTC(), Type: "executor." + what, Executor: &ex}
}

// executorBecame is the change from one executor to another; false when there is
// nothing that people follow in it.
func executorBecame(before, after Executor) (Change, bool) {
	moved := !before.Due.Equal(after.Due)
	switch {
	case moved && after.State == Scheduled, moved && after.State == before.State:
		return executorChange("moved", after), true
	case after.State != before.State:
		return executorChange(string(after.State), after), true
	default:
		return Change{}, false
	}
}

func undoChange(u UndoRecord) Change {
	u.Record = nil
	if u.Abandoned != nil {
		abandoned := *u.Abandoned
		u.Abandoned = &abandoned
	}
	return Change{At: time.Now().UTC(), Type: "undo." + string(u.State), Undo: &u}
}

func leverChange(what string, state LeverState) Change {
	return Change{At: time.Now().UTC(), Type: "lever." + what, Lever: &state}
}
