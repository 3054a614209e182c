package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"slices"
	"strings"
	"time"
)

// client speaks to the daemon.
type client struct{ base string }

// plan is what the demo reads of a plan.
type plan struct {
	ID      string `json:"id"`
	Pending int    `json:"executors_count"`
	Next    string `json:"next_execution"`
}

// executor is what the demo reads of an executor.
type executor struct {
	ID     string  `json:"id"`
	State  string  `json:"state"`
	Due    string  `json:"next_run_time"`
	Lag    float64 `json:"lag_ms"`
	Reason string  `json:"reason"`
}

// post makes a plan that calls endpoint when due.
func (c *client) post(ctx context.Context, due time.Time, endpoint string) (plan, error) {
	document := map[string]any{
		"name": "demo",
		"attack": map[string]any{"ref": "api_request:ApiRequest", "args": map[string]any{
			"endpoint": endpoint, "method": "POST", "payload": map[string]any{"item": "1"}, "expect_status": 204,
		}},
		"planner": map[string]any{"ref": "exact_planner:ExactPlanner", "args": map[string]any{
			"date": due.Format(time.RFC3339),
		}},
	}
	body, err := json.Marshal(document)
	if err != nil {
		return plan{}, fmt.Errorf("write the plan: %w", err)
	}
	var made plan
	err = c.call(ctx, http.MethodPost, "api/1/plans/", body, &made)
	return made, err
}

// wait returns the plan's executor when its state is final.
func (c *client) wait(ctx context.Context, planID string) (executor, error) {
	final := []string{"succeeded", "failed", "timed_out", "halted", "crashed", "lost", "missed", "blocked", "cancelled"}
	tick := time.NewTicker(50 * time.Millisecond)
	defer tick.Stop()
	for {
		var list struct{ Executors []executor }
		if err := c.call(ctx, http.MethodGet, "api/1/executors/?executed=true&plan_id="+planID, nil, &list); err != nil {
			return executor{}, err
		}
		if len(list.Executors) != 1 {
			return executor{}, fmt.Errorf("the plan has %d executors, not 1", len(list.Executors))
		}
		if ex := list.Executors[0]; slices.Contains(final, ex.State) {
			return ex, nil
		}
		select {
		case <-tick.C:
		case <-ctx.Done():
			return executor{}, fmt.Errorf("the executor did not end in time; it is %s", list.Executors[0].State)
		}
	}
}

// log returns the lines of an executor's log.
func (c *client) log(ctx context.Context, id string) ([]string, error) {
	var text bytes.Buffer
	if err := c.call(ctx, http.MethodGet, "api/1/executors/"+id+"/log", nil, &text); err != nil {
		return nil, err
	}
	return strings.Split(strings.TrimRight(text.String(), "\n"), "\n"), nil
}

// call makes one request. The answer goes into answer: as it is into a
// *bytes.Buffer, decoded into anything else.
func (c *client) call(ctx context.Context, method, path string, body []byte, answer any) (err error) {
	what := method + " /" + path
	req, err := http.NewRequestWithContext(ctx, method, c.base+path, bytes.NewReader(body))
	if err != nil {
		return fmt.Errorf("%s: %w", what, err)
	}
	if body != nil {
		req.Header.Set("Content-Type", "application/json")
	}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		return fmt.Errorf("%s: %w", what, err)
	}
	defer func() { err = errors.Join(err, resp.Body.Close()) }()
	text, err := io.ReadAll(io.LimitReader(resp.Body, 1<<20))
	if err != nil {
		return fmt.Errorf("%s: %w", what, err)
	}
	if resp.StatusCode != http.StatusOK {
		return fmt.Errorf("%s: %s: %s", what, resp.Status, text)
	}
	if buffer, ok := answer.(*bytes.Buffer); ok {
		buffer.Write(text)
		return nil
	}
	if err := json.Unmarshal(text, answer); err != nil {
		return fmt.Errorf("%s: read the answer: %w", what, err)
	}
	return nil
}
