package httpapi

import (
	"strconv"
	"time"

	"github.com/chaos-monkey-engine/cmed/internal/engine"
)

// The document of an executor:
//
//	id, plan_id, name, next_run_time, executed, state, started, finished,
//	lag_ms, reason, undo, seed, dry_run, attack_ref,
//	_links {self, update, delete, plan, log, halt}
//
// started, finished and lag_ms are null where there is nothing to tell.

// appendExecutor appends the document of an executor. more, if not nil, is a
// JSON object whose members are put behind the document's own.
func appendExecutor(dst []byte, e *engine.Executor, zone *time.Location, more []byte) []byte {
	dst = append(dst, `{"id":`...)
	dst = appendString(dst, string(e.ID))
	dst = append(dst, `,"plan_id":`...)
	dst = appendString(dst, string(e.PlanID))
	dst = append(dst, `,"name":`...)
	dst = appendString(dst, e.Name)
	dst = append(dst, `,"next_run_time":`...)
	dst = appendTime(dst, e.Due, zone)
	dst = append(dst, `,"executed":`...)
	dst = strconv.AppendBool(dst, e.State.Final())
	dst = append(dst, `,"state":`...)
	dst = appendString(dst, string(e.State))
	dst = append(dst, `,"started":`...)
	dst = appendTime(dst, e.Started, zone)
	dst = append(dst, `,"finished":`...)
	dst = appendTime(dst, e.Finished, zone)
	dst = append(dst, `,"lag_ms":`...)
	dst = appendLag(dst, e)
	dst = append(dst, `,"reason":`...)
	dst = appendString(dst, e.Reason)
	dst = append(dst, `,"undo":`...)
	dst = appendString(dst, string(e.Undo))
	dst = append(dst, `,"seed":`...)
	dst = strconv.AppendInt(dst, e.Seed, 10)
	dst = append(dst, `,"dry_run":`...)
	dst = strconv.AppendBool(dst, e.DryRun)
	dst = append(dst, `,"attack_ref":`...)
	dst = appendString(dst, string(e.AttackRef))
	return appendRest(appendExecutorLinks(dst, e), more)
}

// appendLag appends how late the run began; null when it did not, or when that
// is not known.
func appendLag(dst []byte, e *engine.Executor) []byte {
	if e.Started.IsZero() || e.Lag < 0 {
		return append(dst, "null"...)
	}
	return appendMillis(dst, e.Lag)
}

func appendExecutorLinks(dst []byte, e *engine.Executor) []byte {
	dst = append(dst, `,"_links":{"self":{"href":"`+executorsPath...)
	dst = appendText(dst, string(e.ID))
	dst = append(dst, `"},"update":{"href":"`+executorsPath...)
	dst = appendText(dst, string(e.ID))
	dst = append(dst, `"},"delete":{"href":"`+executorsPath...)
	dst = appendText(dst, string(e.ID))
	dst = append(dst, `"},"plan":{"href":"`+plansPath...)
	dst = appendText(dst, string(e.PlanID))
	dst = append(dst, `"},"log":{"href":"`+executorsPath...)
	dst = appendText(dst, string(e.ID))
	dst = append(dst, `/log"},"halt":{"href":"`+executorsPath...)
	dst = appendText(dst, string(e.ID))
	return append(dst, `/halt"}}`...)
}

// appendExecutors appends a JSON array of executors.
func appendExecutors(dst []byte, executors []engine.Executor, zone *time.Location) []byte {
	return append(appendElements(append(dst, '['), executors, zone), ']')
}

// appendElements appends executors with commas between.
func appendElements(dst []byte, executors []engine.Executor, zone *time.Location) []byte {
	for i := range executors {
		if i > 0 {
			dst = append(dst, ',')
		}
		dst = appendExecutor(dst, &executors[i], zone, nil)
	}
	return dst
}

func executorHref(id engine.ExecutorID) string { return executorsPath + string(id) }
