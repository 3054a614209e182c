package main

import (
	"encoding/json"
	"slices"
	"testing"
)

func TestStatuses(t *testing.T) {
	for text, want := range map[string]Statuses{
		"200": {200}, "200.0": {200}, "[200, 404]": {200, 404}, "[2e2]": {200},
	} {
		var s Statuses
		if err := json.Unmarshal([]byte(text), &s); err != nil || !slices.Equal(s, want) {
			t.Errorf("Statuses of %s = %v, %v; want %v", text, s, err, want)
		}
	}
	for _, text := range []string{`"200"`, "200.5", "99", "1e9", "true", `["200"]`, "{}"} {
		var s Statuses
		if err := json.Unmarshal([]byte(text), &s); err == nil {
			t.Errorf("Statuses of %s = %v, want an error", text, s)
		}
	}
}

func TestStatusesCheck(t *testing.T) {
	for _, c := range []struct {
		expected Statuses
		status   int
		want     string
	}{
		{nil, 500, ""},
		{Statuses{200}, 200, ""},
		{Statuses{200, 404}, 404, ""},
		{Statuses{200}, 500, "answered with status 500, but 200 is expected"},
		{Statuses{200, 404}, 500, "answered with status 500, but one of [200 404] is expected"},
	} {
		got := ""
		if err := c.expected.check(c.status); err != nil {
			got = err.Error()
		}
		if got != c.want {
			t.Errorf("%v with %d: %q, want %q", c.expected, c.status, got, c.want)
		}
	}
}
