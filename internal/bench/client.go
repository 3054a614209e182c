package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"
)

// client speaks to one daemon, over as many connections as are used at once.
type client struct {
	base string
	http *http.Client
}

// newClient is to be closed when done.
func newClient(s *server) *client {
	return &client{base: s.base + "/api/1/", http: &http.Client{
		Transport: &http.Transport{MaxIdleConnsPerHost: 64}, Timeout: time.Minute,
	}}
}

func (c *client) close() { c.http.CloseIdleConnections() }

// get copies a document.
func (c *client) get(ctx context.Context, path string, to io.Writer) error {
	return c.call(ctx, http.MethodGet, path, nil, to)
}

// post makes a plan and returns its id.
func (c *client) post(ctx context.Context, body []byte) (string, error) {
	var answer bytes.Buffer
	if err := c.call(ctx, http.MethodPost, "plans/", body, &answer); err != nil {
		return "", err
	}
	var plan struct {
		ID string `json:"id"`
	}
	if err := json.Unmarshal(answer.Bytes(), &plan); err != nil {
		return "", fmt.Errorf("read the answer to a plan: %w", err)
	}
	return plan.ID, nil
}

// listed is what is read of an executor in a list.
type listed struct {
	ID    string `json:"id"`
	Name  string `json:"name"`
	State string `json:"state"`
}

// executorsOf returns all executors of a plan; it has at most a page of them.
func (c *client) executorsOf(ctx context.Context, plan string) ([]listed, error) {
	var answer bytes.Buffer
	path := "executors/?executed=true&limit=1000&plan_id=" + url.QueryEscape(plan)
	if err := c.get(ctx, path, &answer); err != nil {
		return nil, err
	}
	var list struct {
		Executors []listed `json:"executors"`
	}
	if err := json.Unmarshal(answer.Bytes(), &list); err != nil {
		return nil, fmt.Errorf("read the executors of a plan: %w", err)
	}
	return list.Executors, nil
}

// metric returns the value of a metric without labels.
func (c *client) metric(ctx context.Context, name string) (float64, error) {
	whole := *c
	whole.base = strings.TrimSuffix(c.base, "/api/1/")
	var text bytes.Buffer
	if err := whole.get(ctx, "/metrics", &text); err != nil {
		return 0, err
	}
	_, after, _ := strings.Cut(text.String(), "\n"+name+" ")
	number, _, _ := strings.Cut(after, "\n")
	value, err := strconv.ParseFloat(number, 64)
	if err != nil {
		return 0, fmt.Errorf("read the metric %s: %w", name, err)
	}
	return value, nil
}

// call makes one request and copies the answer. Any status but 200 is an error.
func (c *client) call(ctx context.Context, method, path string, body []byte, to io.Writer) (err error) {
	req, err := http.NewRequestWithContext(ctx, method, c.base+path, bytes.NewReader(body)) //nolint:gosec // our own daemon
	if err != nil {
		return err
	}
	if body != nil {
		req.Header.Set("Content-Type", "application/json")
	}
	resp, err := c.http.Do(req) //nolint:gosec // our own daemon
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, resp.Body.Close()) }()
	if resp.StatusCode != http.StatusOK {
		text, _ := io.ReadAll(io.LimitReader(resp.Body, 1<<10))
		return fmt.Errorf("%s %s: %s: %s", method, path, resp.Status, text)
	}
	_, err = io.Copy(to, resp.Body)
	return err
}
