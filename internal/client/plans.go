package client

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"net/url"
	"time"
)

// Plan is a plan that was made.
type Plan struct {
	Raw json.RawMessage `json:"-"` // the document

	ID       string    `json:"id"`
	Name     string    `json:"name"`
	Created  time.Time `json:"created"`
	Attack   Config    `json:"attack"`
	Planner  Config    `json:"planner"`
	Pending  int       `json:"executors_count"`
	Total    int       `json:"executors_total"` // of one that was shown on its own
	Next     time.Time `json:"next_execution"`
	Executed bool      `json:"executed"`
	Timezone string    `json:"timezone"`
	Timeout  string    `json:"timeout"`
	Grace    string    `json:"misfire_grace"`
	Undo     string    `json:"undo"` // auto, keep
	Seed     int64     `json:"seed"`
	DryRun   bool      `json:"dry_run"`
	// Labels are its maker's own.
	Labels   map[string]string `json:"labels"`
	Warnings []string          `json:"_warnings"`
	Embedded struct {
		Executors []Executor `json:"executors"`
	} `json:"_embedded"`
	Links struct {
		Self link  `json:"self"`
		Next *link `json:"next"`
	} `json:"_links"`
}

func (p *Plan) keep(raw json.RawMessage) { p.Raw = raw }

// Config says what is to be done, and how.
type Config struct {
	Ref  string          `json:"ref"`
	Args json.RawMessage `json:"args"`
}

// Preview is what a plan would be.
type Preview struct {
	Raw json.RawMessage `json:"-"` // the document

	Name         string     `json:"name"`
	Pending      int        `json:"executors_count"`
	Total        int        `json:"executors_total"`
	Executors    []Executor `json:"executors"` // the first of them
	Targets      []Target   `json:"targets"`   // nil: the attack can't tell
	TargetsError string     `json:"targets_error"`
	Seed         int64      `json:"seed"`
	Warnings     []string   `json:"_warnings"`
}

func (p *Preview) keep(raw json.RawMessage) { p.Raw = raw }

// Target is something that an attack hits.
type Target struct {
	ID    string `json:"id"`
	Name  string `json:"name"`
	State string `json:"state"`
}

const plansPath = base + "/plans/"

// CreatePlan posts a plan. With the key given, the plan is made once however
// often it is posted: when the answer is lost, or the daemon asks to come again,
// it is posted again.
func (c *Client) CreatePlan(ctx context.Context, body []byte, key string) (Plan, error) {
	return patiently(ctx, func() (Plan, error) {
		r := request{method: http.MethodPost, path: plansPath, body: body, key: key}
		p, err := one[Plan](ctx, c, r)
		if _, lost := errors.AsType[*Unreachable](err); lost && ctx.Err() == nil {
			p, err = one[Plan](ctx, c, r)
		}
		return p, err
	})
}

// PreviewPlan asks what a plan would be. Nothing is stored.
func (c *Client) PreviewPlan(ctx context.Context, body []byte) (Preview, error) {
	return patiently(ctx, func() (Preview, error) {
		return one[Preview](ctx, c, request{method: http.MethodPost, path: plansPath + "?dry_run=true", body: body})
	})
}

// Plan returns a plan with the first of its executors.
func (c *Client) Plan(ctx context.Context, id string) (Plan, error) {
	if err := checkID(id, "a plan"); err != nil {
		return Plan{}, err
	}
	return one[Plan](ctx, c, get(plansPath+id))
}

// Plans lists at most limit plans (0: all), the newest first: those that are not
// done, or every one. more says whether there are others.
func (c *Client) Plans(ctx context.Context, all bool, limit int) (plans []Plan, more bool, err error) {
	query := url.Values{}
	if all {
		query.Set("all", "true")
	}
	return list[Plan](ctx, c, plansPath, "plans", query, limit)
}

// HaltPlan stops and undoes what runs of a plan, and calls the rest off.
func (c *Client) HaltPlan(ctx context.Context, id, reason string) (Message, error) {
	return c.haltOne(ctx, plansPath, id, "a plan", reason)
}

// DeletePlan deletes a plan with its executors. With abandonUndo it does so even
// if an undo has failed.
func (c *Client) DeletePlan(ctx context.Context, id string, abandonUndo bool) (Message, error) {
	return c.deleteOne(ctx, plansPath, id, "a plan", abandonUndo)
}
