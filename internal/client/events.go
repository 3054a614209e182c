package client

import (
	"context"
	"encoding/json"
	"fmt"
	"net/url"
	"strings"
	"time"
)

// Change is one event: something has become another.
type Change struct {
	Raw json.RawMessage `json:"-"` // the document
	// ID is where a later call goes on.
	ID string `json:"-"`

	// Type is the thing and what happened to it, as in "executor.running". It is
	// Reset when changes are missing: the client reads anew what it follows.
	Type string    `json:"type"`
	At   time.Time `json:"at"`

	// One of these is set.
	Plan     *Plan     `json:"plan"`
	Executor *Executor `json:"executor"`
	Undo     *Undo     `json:"undo"`
	Lever    *Lever    `json:"lever"`
	Plugin   *Plugin   `json:"plugin"`
}

// Reset is the type of the event that says that changes are missing.
const Reset = "reset"

// EventQuery selects events.
type EventQuery struct {
	Types    []string // "executor", or "executor.running"; nil: all
	Plan     string
	Executor string
	// After is the ID of the last change that was seen; "": from now on.
	After string
	// Opened, if set, is called when the daemon has begun to answer: what changes
	// from then on is passed on.
	Opened func()
	// Past ends the stream after the changes that the daemon still remembers.
	Past bool
}

const eventsPath = base + "/events/"

// Events passes changes on as they come, until yield returns false (then the
// error is nil) or the stream ends. A daemon that ends it, since it stops or the
// reader was too slow, is an *Unreachable too. last is where a later call goes on.
func (c *Client) Events(ctx context.Context, q EventQuery, yield func(Change) bool) (last string, err error) {
	var unreadable error
	enough := false
	last = q.After
	err = c.events(ctx, q.request(), q.Opened, func(e event) bool {
		if e.id != "" {
			last = e.id
		}
		if len(e.data) == 0 {
			return true
		}
		change, err := changeOf(e)
		if err != nil {
			unreadable = fmt.Errorf("an event of %s is not what cmed sends: %w", c.Server(), err)
			return false
		}
		enough = !yield(change)
		return !enough
	})
	switch {
	case err != nil:
		return last, err
	case unreadable != nil:
		return last, unreadable
	case enough, q.Past:
		return last, nil
	default:
		return last, &Unreachable{Server: c.Server(), Err: errStreamEnded, Connected: true}
	}
}

// changeOf reads an event. The documents in it are kept as they came.
func changeOf(e event) (Change, error) {
	change := Change{Raw: e.data, ID: e.id}
	if err := json.Unmarshal(e.data, &change); err != nil {
		return change, err
	}
	change.Type = e.name
	var members map[string]json.RawMessage
	if err := json.Unmarshal(e.data, &members); err != nil {
		return change, err
	}
	if change.Plan != nil {
		change.Plan.Raw = members["plan"]
	}
	if change.Executor != nil {
		change.Executor.Raw = members["executor"]
	}
	if change.Undo != nil {
		change.Undo.Raw = members["undo"]
	}
	if change.Lever != nil {
		change.Lever.Raw = members["lever"]
	}
	if change.Plugin != nil {
		change.Plugin.Raw = members["plugin"]
	}
	return change, nil
}

func (q EventQuery) request() request {
	query := url.Values{}
	setUnlessEmpty(query, "type", strings.Join(q.Types, ","))
	setUnlessEmpty(query, "plan_id", q.Plan)
	setUnlessEmpty(query, "executor_id", q.Executor)
	if q.Past {
		query.Set("follow", "false")
	}
	r := get(withQuery(eventsPath, query))
	r.lastEvent = q.After
	return r
}
