package client

import (
	"context"
	"encoding/json"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"
)

// Executor is one run of a plan, or what would be one.
type Executor struct {
	Raw json.RawMessage `json:"-"` // the document

	ID          string    `json:"id"`
	PlanID      string    `json:"plan_id"`
	Name        string    `json:"name"`
	NextRunTime time.Time `json:"next_run_time"`
	State       string    `json:"state"`
	Started     time.Time `json:"started"`
	Finished    time.Time `json:"finished"`
	LagMillis   *float64  `json:"lag_ms"` // nil: it did not run, or that is not known
	Reason      string    `json:"reason"`
	Undo        string    `json:"undo"`
	Seed        int64     `json:"seed"`
	DryRun      bool      `json:"dry_run"`
	AttackRef   string    `json:"attack_ref"`
	Warnings    []string  `json:"_warnings"`
	// What follows is of one that was shown on its own.
	Run         *Run     `json:"run"` // nil: it has not run
	UndoRecords []Undo   `json:"undo_records"`
	Log         []string `json:"log"` // its last lines
}

func (e *Executor) keep(raw json.RawMessage) { e.Raw = raw }

// The states of an executor that is not over, and those of one that never ran.
var (
	pendingStates = []string{"scheduled", "starting", "running"}
	unrunStates   = []string{"missed", "blocked", "cancelled"}
)

// Final says whether the executor is over.
func (e *Executor) Final() bool { return !slices.Contains(pendingStates, e.State) }

// NeverRan says whether the executor is over without having run.
func (e *Executor) NeverRan() bool { return slices.Contains(unrunStates, e.State) }

// Undoing says whether something of the executor is still to be undone, and may
// be without anybody's help.
func (e *Executor) Undoing() bool { return e.Undo == "open" || e.Undo == "undoing" }

// Run is what happened when an executor fired.
type Run struct {
	Ref       string   `json:"ref"`
	Digest    string   `json:"digest"`
	PID       int      `json:"pid"`
	Isolation []string `json:"isolation"`
	Progress  *struct {
		Percent *float64 `json:"percent"`
		Message string   `json:"message"`
	} `json:"progress"`
	Targets []Target        `json:"targets"`
	Result  json.RawMessage `json:"result"`
	Failure *struct {
		Message string `json:"message"`
	} `json:"failure"`
	Exit *struct {
		Code            int     `json:"code"`
		Signal          string  `json:"signal"`
		CPUMillis       float64 `json:"cpu_ms"`
		PeakMemoryBytes int64   `json:"peak_memory_bytes"`
		Stderr          string  `json:"stderr"`
	} `json:"exit"`
}

// ExecutorQuery selects executors.
type ExecutorQuery struct {
	Plan   string
	Attack string   // a ref
	States []string // nil: those that are not over, or with All every one
	All    bool
	// From and To bound the due time, as the API reads dates: at or after From
	// and before To; "": open.
	From, To string
	Limit    int // 0: all
	// Newest asks for those that are due last first.
	Newest bool
}

const executorsPath = base + "/executors/"

// Executors lists executors by their due time. more says whether there are others.
// A daemon of an earlier version has no newest first; then the error is
// ErrOldestFirst, and the executors are those that are due first.
func (c *Client) Executors(ctx context.Context, q ExecutorQuery) (executors []Executor, more bool, err error) {
	query := url.Values{}
	for name, value := range map[string]string{
		"plan_id": q.Plan, "attack_ref": q.Attack, "state": strings.Join(q.States, ","), "from": q.From, "to": q.To,
	} {
		setUnlessEmpty(query, name, value)
	}
	if q.All {
		query.Set("executed", "true")
	}
	if q.Newest {
		query.Set(orderParameter, newestOrder)
	}
	executors, more, err = list[Executor](ctx, c, executorsPath, "executors", query, q.Limit)
	if err == nil && q.Newest && rises(executors, func(e Executor) int64 { return e.NextRunTime.UnixNano() }) {
		err = ErrOldestFirst
	}
	return executors, more, err
}

// Executor returns one with its run.
func (c *Client) Executor(ctx context.Context, id string) (Executor, error) {
	if err := checkID(id, "an executor"); err != nil {
		return Executor{}, err
	}
	e, err := one[Executor](ctx, c, get(executorsPath+id))
	return e, err
}

// MoveExecutor changes when an executor is due. The date is as the API reads one.
func (c *Client) MoveExecutor(ctx context.Context, id, date string) (Executor, error) {
	if err := checkID(id, "an executor"); err != nil {
		return Executor{}, err
	}
	body, err := bodyOf(map[string]any{"type": "date", "args": map[string]string{"date": date}})
	if err != nil {
		return Executor{}, err
	}
	return one[Executor](ctx, c, request{method: http.MethodPut, path: executorsPath + id, body: body})
}

// HaltExecutor stops and undoes a run, or calls it off.
func (c *Client) HaltExecutor(ctx context.Context, id, reason string) (Executor, error) {
	if err := checkID(id, "an executor"); err != nil {
		return Executor{}, err
	}
	body, err := decision{Reason: reason}.body()
	if err != nil {
		return Executor{}, err
	}
	return one[Executor](ctx, c, request{method: http.MethodPost, path: executorsPath + id + "/halt", body: body})
}

// DeleteExecutor deletes an executor by the rules of a plan's deletion.
func (c *Client) DeleteExecutor(ctx context.Context, id string, abandonUndo bool) (Message, error) {
	return c.deleteOne(ctx, executorsPath, id, "an executor", abandonUndo)
}

// Message is an answer that says what was done.
type Message struct {
	Raw json.RawMessage `json:"-"` // the document

	Text     string   `json:"msg"`
	Warnings []string `json:"_warnings"`
}

func (m *Message) keep(raw json.RawMessage) { m.Raw = raw }

func (c *Client) haltOne(ctx context.Context, path, id, what, reason string) (Message, error) {
	if err := checkID(id, what); err != nil {
		return Message{}, err
	}
	body, err := decision{Reason: reason}.body()
	if err != nil {
		return Message{}, err
	}
	return one[Message](ctx, c, request{method: http.MethodPost, path: path + id + "/halt", body: body})
}

func (c *Client) deleteOne(ctx context.Context, path, id, what string, abandonUndo bool) (Message, error) {
	if err := checkID(id, what); err != nil {
		return Message{}, err
	}
	query := url.Values{}
	if abandonUndo {
		query.Set("abandon_undo", "true")
	}
	return one[Message](ctx, c, request{method: http.MethodDelete, path: withQuery(path+id, query)})
}
