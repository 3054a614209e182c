package client

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"strings"
	"time"
)

// Plan is a plan that was made.
type Plan struct {
	Raw json.RawMessage `json:"-"` // the document

	ID       string   `json:"id"`
	Name     string   `json:"name"`
	Pending  int      `json:"executors_count"`
	Warnings []string `json:"_warnings"`
	Embedded struct {
		Executors []Executor `json:"executors"`
	} `json:"_embedded"`
	Links struct {
		Self link  `json:"self"`
		Next *link `json:"next"`
	} `json:"_links"`
}

// Executor is one run of a plan, or what would be one.
type Executor struct {
	ID          string    `json:"id"`
	Name        string    `json:"name"`
	NextRunTime time.Time `json:"next_run_time"`
	State       string    `json:"state"`
	Reason      string    `json:"reason"`
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

// Target is something that an attack would hit.
type Target struct {
	ID    string `json:"id"`
	Name  string `json:"name"`
	State string `json:"state"`
}

type link struct {
	Href string `json:"href"`
}

const plansPath = base + "/plans/"

// CreatePlan posts a plan. With the key given, the plan is made once however
// often it is posted: when the answer is lost, it is posted again.
func (c *Client) CreatePlan(ctx context.Context, body []byte, key string) (p Plan, err error) {
	r := request{method: http.MethodPost, path: plansPath, body: body, key: key}
	p.Raw, err = c.call(ctx, r, &p)
	if _, lost := errors.AsType[*Unreachable](err); lost && ctx.Err() == nil {
		p.Raw, err = c.call(ctx, r, &p)
	}
	return p, err
}

// Plan returns a plan with the first of its executors.
func (c *Client) Plan(ctx context.Context, id string) (p Plan, err error) {
	if id == "" || strings.ContainsAny(id, "/?#%") {
		return p, errors.New("that is not the id of a plan")
	}
	p.Raw, err = c.call(ctx, request{method: http.MethodGet, path: plansPath + id}, &p)
	return p, err
}

// PreviewPlan asks what a plan would be. Nothing is stored.
func (c *Client) PreviewPlan(ctx context.Context, body []byte) (p Preview, err error) {
	p.Raw, err = c.call(ctx, request{method: http.MethodPost, path: plansPath + "?dry_run=true", body: body}, &p)
	return p, err
}
