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
	ID string `json:"id"`
}

// executor is what the demo reads of an executor.
type executor struct {
	ID     string  `json:"id"`
	State  string  `json:"state"`
	Due    string  `json:"next_run_time"`
	Lag    float64 `json:"lag_ms"`
	Reason string  `json:"reason"`
	Run    run     `json:"run"`
}

// run is what happened when it fired. Lists of executors don't have it.
type run struct {
	Targets []struct {
		ID    string `json:"id"`
		Name  string `json:"name"`
		State string `json:"state"`
	} `json:"targets"`
}

// victim is a target that was hit.
type victim struct{ id, name string }

// hit returns those that the executor says it hit.
func (e executor) hit() []victim {
	var all []victim
	for _, t := range e.Run.Targets {
		if t.State == "hit" {
			all = append(all, victim{t.ID, t.Name})
		}
	}
	return all
}

// post makes a plan of the document.
func (c *client) post(ctx context.Context, document []byte) (plan, error) {
	var made plan
	err := c.call(ctx, http.MethodPost, "api/1/plans/", document, &made)
	return made, err
}

// executors lists those of a plan, by their times.
func (c *client) executors(ctx context.Context, planID string) ([]executor, error) {
	var list struct{ Executors []executor }
	err := c.call(ctx, http.MethodGet, "api/1/executors/?executed=true&plan_id="+planID, nil, &list)
	if err == nil && len(list.Executors) == 0 {
		err = errors.New("the plan has no executors")
	}
	return list.Executors, err
}

// move has an executor run at another time.
func (c *client) move(ctx context.Context, id string, at time.Time) error {
	body := fmt.Sprintf(`{"type": "date", "args": {"date": %q}}`, at.Format(time.RFC3339))
	var moved executor
	return c.call(ctx, http.MethodPut, "api/1/executors/"+id, []byte(body), &moved)
}

// wait returns an executor, with its run, when its state is final.
func (c *client) wait(ctx context.Context, id string) (executor, error) {
	final := []string{"succeeded", "failed", "timed_out", "halted", "crashed", "lost", "missed", "blocked", "cancelled"}
	tick := time.NewTicker(50 * time.Millisecond)
	defer tick.Stop()
	for {
		var ex executor
		if err := c.call(ctx, http.MethodGet, "api/1/executors/"+id, nil, &ex); err != nil {
			return executor{}, err
		}
		if slices.Contains(final, ex.State) {
			return ex, nil
		}
		select {
		case <-tick.C:
		case <-ctx.Done():
			return executor{}, fmt.Errorf("the executor did not end in time; it is %s", ex.State)
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
