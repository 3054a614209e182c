package access_test

import (
	"testing"
	"time"

	"github.com/chaos-monkey-engine/cmed/internal/access"
	"github.com/chaos-monkey-engine/cmed/internal/engine"
)

func TestLimits(t *testing.T) {
	for name, c := range map[string]struct {
		limits access.Limits
		names  []engine.Ref
		labels map[string]string
		want   string
	}{
		"none":                       {access.Limits{}, []engine.Ref{"a:A"}, nil, ""},
		"a ref that matches":         {access.Limits{Refs: []string{"b:*", "a:?"}}, []engine.Ref{"a:A"}, nil, ""},
		"an alias that matches":      {access.Limits{Refs: []string{"old:A"}}, []engine.Ref{"a:A", "old:A"}, nil, ""},
		"a ref that does not":        {access.Limits{Refs: []string{"b:*", "a:B"}}, []engine.Ref{"a:A"}, nil, "is limited to the attacks b:*, a:B, and this is a:A"},
		"a pattern is no prefix":     {access.Limits{Refs: []string{"a:"}}, []engine.Ref{"a:A"}, nil, "is limited to the attacks a:, and this is a:A"},
		"labels that match":          {access.Limits{Labels: map[string]string{"team": "one"}}, nil, map[string]string{"team": "one", "x": "y"}, ""},
		"another value":              {access.Limits{Labels: map[string]string{"team": "one"}}, nil, map[string]string{"team": "two"}, `is limited to plans with the label team="one"`},
		"no label":                   {access.Limits{Labels: map[string]string{"team": ""}}, nil, nil, `is limited to plans with the label team=""`},
		"one label of two":           {access.Limits{Labels: map[string]string{"a": "1", "b": "2"}}, nil, map[string]string{"a": "1"}, `is limited to plans with the label b="2"`},
		"the ref is right, no label": {access.Limits{Refs: []string{"a:*"}, Labels: map[string]string{"a": "1"}}, []engine.Ref{"a:A"}, nil, `is limited to plans with the label a="1"`},
	} {
		if got := c.limits.Refuses(c.names, c.labels); got != c.want {
			t.Errorf("%s: got %q, want %q", name, got, c.want)
		}
		if c.limits.None() != (name == "none") {
			t.Errorf("%s: None is %v", name, c.limits.None())
		}
	}
}

func TestRoles(t *testing.T) {
	order := []access.Role{access.Nobody, access.Viewer, access.Operator, access.Admin}
	for i, have := range order {
		for j, need := range order {
			if have.Covers(need) != (i >= j) {
				t.Errorf("%s covers %s: %v", have, need, have.Covers(need))
			}
		}
		for _, odd := range []access.Role{"", "root", "ADMIN"} {
			if have.Covers(odd) || odd.Covers(have) {
				t.Errorf("%q and %s", odd, have)
			}
		}
		role, err := access.ParseRole(string(have))
		if (err == nil) != (have != access.Nobody) || err == nil && role != have {
			t.Errorf("parsed %s: %q, %v", have, role, err)
		}
	}
}

func TestLive(t *testing.T) {
	now := time.Now()
	for name, c := range map[string]struct {
		key  access.Key
		want bool
	}{
		"for ever":        {access.Key{}, true},
		"before its end":  {access.Key{Expires: now.Add(1)}, true},
		"at its end":      {access.Key{Expires: now}, false},
		"revoked":         {access.Key{Revoked: now}, false},
		"revoked, lately": {access.Key{Revoked: now.Add(time.Hour), Expires: now.Add(time.Hour)}, false},
	} {
		if c.key.Live(now) != c.want {
			t.Errorf("%s: %v", name, !c.want)
		}
	}
}

func TestCallers(t *testing.T) {
	if c := access.CallerOf(t.Context()); c.Role != access.Nobody {
		t.Errorf("of a context that does not say: %+v", c)
	}
	want := access.Caller{Key: "k", Name: "n", Role: access.Admin, From: "socket"}
	if c := access.CallerOf(access.WithCaller(t.Context(), want)); c.Key != want.Key || c.Role != want.Role || c.From != want.From {
		t.Errorf("got %+v", c)
	}
}
