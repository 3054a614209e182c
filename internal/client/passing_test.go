package client

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"testing"
)

func TestWhatPasses(t *testing.T) {
	for _, test := range []struct {
		err  error
		want bool
	}{
		{nil, false},
		{errors.New("the answer is not what cmed answers"), false},
		{&Unreachable{}, true},
		{fmt.Errorf("look: %w", &Unreachable{}), true},
		{&Refusal{Status: http.StatusServiceUnavailable}, true},
		{&Refusal{Status: http.StatusBadGateway}, true},
		{&Refusal{Status: http.StatusGatewayTimeout}, true},
		{&Refusal{Status: http.StatusInternalServerError}, false},
		{&Refusal{Status: http.StatusTooManyRequests}, false},
		{&Refusal{Status: http.StatusUnauthorized}, false},
		{&Refusal{Status: http.StatusNotFound}, false},
	} {
		if got := Passing(test.err); got != test.want {
			t.Errorf("%T %v: %v", test.err, test.err, got)
		}
	}
}

func TestWhatMayBeDone(t *testing.T) {
	for _, test := range []struct {
		err  error
		want bool
	}{
		{nil, false},
		{&Unreachable{Err: errors.New("connection refused")}, false},
		{&Unreachable{Err: errors.New("connection reset"), Connected: true}, true},
		{&Refusal{Status: http.StatusGatewayTimeout}, true},
		{&Refusal{Status: http.StatusServiceUnavailable}, false},
		{&Refusal{Status: http.StatusForbidden}, false},
	} {
		if got := MayBeDone(test.err); got != test.want {
			t.Errorf("%v: %v", test.err, got)
		}
	}
}

func TestEveryWriteHasAnIdempotencyKey(t *testing.T) {
	ctx := context.Background()
	seen := map[string]bool{}
	for name, write := range map[string]func(*Client) error{
		"halt":     func(c *Client) error { _, err := c.Halt(ctx, "ana", ""); return err },
		"release":  func(c *Client) error { _, err := c.Release(ctx, "ana"); return err },
		"preview":  func(c *Client) error { _, err := c.PreviewPlan(ctx, []byte(`{}`)); return err },
		"move":     func(c *Client) error { _, err := c.MoveExecutor(ctx, "e", "x"); return err },
		"delete":   func(c *Client) error { _, err := c.DeletePlan(ctx, "p", false); return err },
		"key":      func(c *Client) error { _, err := c.CreateKey(ctx, NewKey{}); return err },
		"revoke":   func(c *Client) error { _, err := c.RevokeKey(ctx, "k"); return err },
		"rescan":   func(c *Client) error { return c.Rescan(ctx) },
		"retry":    func(c *Client) error { _, err := c.RetryUndo(ctx, "u"); return err },
		"halt one": func(c *Client) error { _, err := c.HaltExecutor(ctx, "e", ""); return err },
	} {
		d, c := serve(t, answer{200, `{}`})
		if err := write(c); err != nil {
			t.Errorf("%s: %v", name, err)
		}
		key := d.header[0].Get("Idempotency-Key")
		if len(key) < 16 || seen[key] {
			t.Errorf("%s has the key %q", name, key)
		}
		seen[key] = true
	}
	d, c := serve(t, answer{200, `{}`})
	if _, err := c.Lever(ctx); err != nil || d.header[0].Get("Idempotency-Key") != "" {
		t.Errorf("a look has a key: %v", err)
	}
}

func TestTheNewestFirst(t *testing.T) {
	const later, sooner = `{"id":"a","next_run_time":"2026-11-21T17:00:00Z"}`, `{"id":"b","next_run_time":"2026-11-21T18:00:00+02:00"}`
	for _, test := range []struct {
		name, list string
		want       error
	}{
		{"a daemon that does not know it", sooner + "," + later, ErrOldestFirst}, // 18:00+02:00 is 16:00Z
		{"one that does", later + "," + sooner, nil},
		{"one alone has no order", later, nil},
		{"nor has what is due at once", later + "," + strings.Replace(later, `"a"`, `"c"`, 1), nil},
	} {
		d, c := serve(t, answer{200, `{"executors":[` + test.list + `]}`})
		list, _, err := c.Executors(context.Background(), ExecutorQuery{All: true, Newest: true, Limit: 5})
		if !errors.Is(err, test.want) || len(list) == 0 {
			t.Errorf("%s: %d, %v", test.name, len(list), err)
		}
		if want := "GET /api/1/executors/?executed=true&limit=5&order=newest"; d.asked[0] != want {
			t.Errorf("asked %s", d.asked[0])
		}
	}
	d, c := serve(t, answer{200, `{"entries":[{"seq":1},{"seq":2}]}`}, answer{200, `{"entries":[{"seq":2},{"seq":1}]}`})
	for _, want := range []error{ErrOldestFirst, nil} {
		if list, _, err := c.Audit(context.Background(), AuditQuery{Newest: true, Limit: 2}); !errors.Is(err, want) || len(list) != 2 {
			t.Errorf("%d entries, %v; want %v", len(list), err, want)
		}
	}
	if want := "GET /api/1/audit/?limit=2&order=newest"; d.asked[0] != want {
		t.Errorf("asked %s", d.asked[0])
	}
}
