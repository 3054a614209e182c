package main

import (
	"io"
	"slices"
	"strings"
	"testing"
)

func TestBadOrders(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		args []string
		want string
	}{
		"nothing":                 {nil, "what is to be made?"},
		"what is unknown":         {[]string{"installer"}, `"installer" is nothing that can be made`},
		"a word behind":           {[]string{"check", "twice"}, `"twice": there are only flags behind check`},
		"an unknown platform":     {[]string{"archives", "-platforms", "linux/amd64,plan9/mips"}, `"plan9/mips" is none of linux/amd64`},
		"a version with a flag":   {[]string{"archives", "-version", "1 -extldflags"}, `-version: "1 -extldflags" is no version`},
		"a version as a folder":   {[]string{"archives", "-version", "../../etc"}, "is no version"},
		"a commit with a flag":    {[]string{"archives", "-commit", "-X"}, `-commit: "-X" is no commit`},
		"a time in words":         {[]string{"archives", "-time", "today"}, "it is not a number of seconds"},
		"a time before all times": {[]string{"archives", "-time", "-1"}, "it is not a number of seconds"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			err := run(t.Context(), c.args, io.Discard)
			if err == nil || !strings.Contains(err.Error(), c.want) {
				t.Errorf("the error is %v, want %q", err, c.want)
			}
		})
	}
}

func TestStamps(t *testing.T) {
	t.Parallel()
	full := stamp{"1.2.3", "abc", 1_700_000_000}
	if got, want := full.linkerFlags(), "-s -w -X main.version=1.2.3 -X main.commit=abc -X main.commitTime=2023-11-14T22:13:20Z"; got != want {
		t.Errorf("the linker is told %q, want %q", got, want)
	}
	if got, want := (stamp{Version: "1"}).linkerFlags(), "-s -w -X main.version=1"; got != want {
		t.Errorf("the linker is told %q, want %q", got, want)
	}
	if got, want := full.arguments(), []string{"-version", "1.2.3", "-commit", "abc", "-time", "1700000000"}; !slices.Equal(got, want) {
		t.Errorf("another program is told %q, want %q", got, want)
	}
}
