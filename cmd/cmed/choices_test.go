package main

import (
	"slices"
	"strings"
	"testing"
)

func TestWrongWordsAreUsageErrors(t *testing.T) {
	for _, test := range []struct{ args, want string }{
		{"executor list --state runing", `--state: there is no "runing"; did you mean "running"?`},
		{"executor list --state failed,zzzzzzzzzzz", `--state: there is no "zzzzzzzzzzz"; there are scheduled, starting,`},
		{"executor list --from yesterday", `--from: "yesterday" is no date: write one such as`},
		{"executor list --to 2026-13-01", `--to: "2026-13-01" is no date`},
		{"executor list --from 2026-02-30", `--from: there is no 2026-02-30: February 2026 has 28 days`},
		{"audit list --from yesterday", `--from: "yesterday" is no date`},
		{"executor move e tomorrow", `"tomorrow" is no date`},
		{"events --type foo", `--type: there is no "foo"; there are executor, executor.scheduled`},
		{"events --type executor.runing", `did you mean "executor.running"?`},
		{"key create --role viewer --ttl 30", `--ttl: "30" is no time to live: write a number and a unit, such as "12h" or "30d"`},
		{"key create --role viewer --ttl -1d", `--ttl: "-1d" is no time to live`},
	} {
		got := callWith(t, nil, "", append(strings.Fields(test.args), "--server", "http://127.0.0.1:1")...)
		if got.code != exitUsage || !strings.Contains(got.stderr, test.want) {
			t.Errorf("%s: exit code %d, %s", test.args, got.code, got.stderr)
		}
	}
}

// What is right here is left to the daemon.
func TestRightWordsReachTheDaemon(t *testing.T) {
	for _, args := range []string{
		"executor list --state running,failed --from 2026-12-24 --to 2026-12-24T18:00:00Z",
		"executor list --from 1766000000", "audit list --from 2026-12-24T18:00",
		"events --type executor,undo.failed,lever.engaged", "key create --role viewer --ttl 30d", "key create --role viewer --ttl 12h",
	} {
		got := callWith(t, nil, "", append(strings.Fields(args), "--server", "http://127.0.0.1:1")...)
		if got.code != exitFailure || !strings.Contains(got.stderr, "can't be reached") {
			t.Errorf("%s: exit code %d, %s", args, got.code, got.stderr)
		}
	}
}

func TestWordsAreCompleted(t *testing.T) {
	for args, want := range map[string]string{
		"executor list --state ":            "timed_out",
		"executor list --state running,fai": "running,failed",
		"events --type ":                    "lever.engaged",
	} {
		i := strings.LastIndex(args, " ")
		got := callWith(t, nil, "", append(append([]string{"__complete"}, strings.Fields(args[:i])...), args[i+1:])...)
		lines := strings.Split(got.stdout, "\n")
		if !slices.Contains(lines, want) || !slices.Contains(lines, ":4") { // no files
			t.Errorf("%s: %s", args, got.stdout)
		}
	}
}
