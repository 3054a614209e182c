package httpapi

import (
	"slices"
	"strings"

	"github.com/chaos-monkey-engine/cmed/internal/engine"
)

// choice reads which events are wanted: type ("executor", "executor.failed"),
// plan_id and executor_id, each repeated or with commas. All that are given must
// fit, each in one of its values.
func (q query) choice() (func(about) bool, error) {
	types, plans, executors := q.list("type"), q.list("plan_id"), q.list("executor_id")
	for _, t := range types {
		thing, what, one := strings.Cut(t, ".")
		if known := engine.EventTypes[thing]; known == nil || one && !slices.Contains(known, what) {
			return nil, engine.Errorf(engine.CodeInvalid, "type: %q is no type of event; %s", t, typesAt(thing))
		}
	}
	for _, id := range slices.Concat(plans, executors) {
		if !engine.ValidID(id) {
			return nil, engine.Errorf(engine.CodeInvalid, "%q is no id of a plan or an executor", id)
		}
	}
	return func(a about) bool {
		return (len(types) == 0 || slices.Contains(types, a.thing) || slices.Contains(types, a.kind)) &&
			fits(plans, a.plan) && fits(executors, a.executor)
	}, nil
}

// typesAt says which types there are.
func typesAt(thing string) string {
	if known := engine.EventTypes[thing]; known != nil {
		return "of a " + thing + " there are " + strings.Join(known, ", ")
	}
	return "they begin with plan, executor, undo, lever or plugin"
}

// fits says whether a value is among those asked for; any is when none are.
func fits(asked []string, value string) bool { return len(asked) == 0 || slices.Contains(asked, value) }

// list reads a parameter that may be repeated, or have commas.
func (q query) list(name string) []string {
	var list []string
	for _, value := range q.Values[name] {
		for part := range strings.SplitSeq(value, ",") {
			list = append(list, strings.TrimSpace(part))
		}
	}
	return list
}
