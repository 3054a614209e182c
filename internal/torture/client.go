package main

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"time"

	"github.com/chaos-monkey-engine/cmed/internal/torture/script"
)

// callBound bounds one call. A deletion may take its 10 seconds.
const callBound = 20 * time.Second

// client calls a daemon.
type client struct {
	base string
	http *http.Client
}

func newClient(base string) client {
	return client{base: base + "/api/1", http: &http.Client{
		Timeout: callBound, Transport: &http.Transport{DisableKeepAlives: true},
	}}
}

// executor is the document of an executor.
type executor struct {
	ID      string  `json:"id"`
	Name    string  `json:"name"`
	State   string  `json:"state"`
	Started *string `json:"started"`
	Reason  string  `json:"reason"`
	Undo    string  `json:"undo"`
	Done    bool    `json:"executed"`
}

// answer is what came back.
type answer struct {
	status int
	text   []byte
}

// String is the answer for people.
func (a answer) String() string { return fmt.Sprintf("%d %.400s", a.status, a.text) }

// call makes a call and reads the answer into a document, if one is given. An
// error means that there was no answer, or not that document.
func (c client) call(ctx context.Context, method, path string, body, into any) (answer, error) {
	var content io.Reader = http.NoBody
	if body != nil {
		text, err := json.Marshal(body)
		if err != nil {
			return answer{}, fmt.Errorf("write a request: %w", err)
		}
		content = bytes.NewReader(text)
	}
	req, err := http.NewRequestWithContext(ctx, method, c.base+path, content)
	if err != nil {
		return answer{}, fmt.Errorf("make a request: %w", err)
	}
	req.Header.Set("Content-Type", "application/json")
	resp, err := c.http.Do(req)
	if err != nil {
		return answer{}, err
	}
	defer resp.Body.Close() //nolint:errcheck // only read from
	text, err := io.ReadAll(resp.Body)
	if err != nil {
		return answer{}, err
	}
	if into != nil && resp.StatusCode < http.StatusMultipleChoices {
		if err := json.Unmarshal(text, into); err != nil {
			return answer{}, fmt.Errorf("%s %s: %w: %.500s", method, path, err, text)
		}
	}
	return answer{resp.StatusCode, text}, nil
}

// planBody is a plan whose executors play scripts.
func planBody(name, ref string, scripts []script.Script, due time.Time, apart, timeout time.Duration) map[string]any {
	return map[string]any{
		"name":   name,
		"attack": map[string]any{"ref": ref, "args": scripts[0]},
		"planner": map[string]any{"ref": script.Planner, "args": map[string]any{
			"at": due.UTC().Format("2006-01-02T15:04:05.000000Z07:00"), "apart": apart.String(), "scripts": scripts,
		}},
		"timeout": timeout.String(),
	}
}

// plans lists the ids of all plans by name.
func (c client) plans(ctx context.Context) (map[string]string, error) {
	var list struct {
		Plans []struct {
			ID   string `json:"id"`
			Name string `json:"name"`
		} `json:"plans"`
	}
	if err := c.get(ctx, "/plans/?all=true", &list); err != nil {
		return nil, err
	}
	ids := map[string]string{}
	for _, p := range list.Plans {
		ids[p.Name] = p.ID
	}
	return ids, nil
}

// executors lists those of a plan, or all when it is "".
func (c client) executors(ctx context.Context, plan string) ([]executor, error) {
	var list struct {
		Executors []executor `json:"executors"`
	}
	query := "/executors/?executed=true"
	if plan != "" {
		query += "&plan_id=" + plan
	}
	err := c.get(ctx, query, &list)
	return list.Executors, err
}

// get reads a document that must be there.
func (c client) get(ctx context.Context, path string, into any) error {
	a, err := c.call(ctx, http.MethodGet, path, nil, into)
	if err == nil && a.status != http.StatusOK {
		err = fmt.Errorf("GET %s: %s", path, a)
	}
	return err
}
