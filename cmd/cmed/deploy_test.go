package main

import (
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"
)

// unit reads the values that the example of a systemd unit gives a key.
func unit(t *testing.T, key string) []string {
	t.Helper()
	text, err := os.ReadFile("../../deploy/cmed.service")
	if err != nil {
		t.Fatal(err)
	}
	var values []string
	for line := range strings.Lines(string(text)) {
		if value, ok := strings.CutPrefix(strings.TrimSpace(line), key+"="); ok {
			values = append(values, value)
		}
	}
	if len(values) == 0 {
		t.Fatalf("the unit does not say %s", key)
	}
	return values
}

// The daemon and the reaper get the same, so both must know it.
func TestUnitSetsWhatThereIs(t *testing.T) {
	for _, entry := range unit(t, "Environment") {
		name, value, _ := strings.Cut(entry, "=")
		i := slices.IndexFunc(options, func(o option) bool { return o.variable() == name })
		if i < 0 || !options[i].reap {
			t.Errorf("%s is no variable of both commands", name)
			continue
		}
		if err := options[i].set(&config{}, value); err != nil {
			t.Errorf("%s: %v", entry, err)
		}
	}
}

func TestUnitWaitsLongEnough(t *testing.T) {
	limit, err := time.ParseDuration(unit(t, "TimeoutStopSec")[0] + "s")
	if err != nil {
		t.Fatal(err)
	}
	c, err := configOf(nil)
	if err != nil {
		t.Fatal(err)
	}
	if end := c.shutdownLimit + overtime; limit <= end {
		t.Errorf("the daemon may take %s to end and is killed after %s", end, limit)
	}
	reap := newReap(program{}).Flags().Lookup("timeout").DefValue
	if end, err := time.ParseDuration(reap); err != nil || limit <= end {
		t.Errorf("the reaper may take %s and is killed after %s (%v)", reap, limit, err)
	}
}

// documented finds the calls of cmed that a document has on lines of their own.
var documented = regexp.MustCompile(`(?m)^(?:#   |    )(?:runuser -u cmed -- )?cmed (.+)$`)

// The commands to be typed are ones that there are, with flags that they know.
func TestDocumentedCommandsExist(t *testing.T) {
	for _, file := range []string{"deploy/prometheus/prometheus.yml", "docs/install.md", "docs/operations.md"} {
		text, err := os.ReadFile("../../" + file)
		if err != nil {
			t.Fatal(err)
		}
		calls := documented.FindAllStringSubmatch(strings.ReplaceAll(string(text), "\\\n", ""), -1)
		if len(calls) == 0 {
			t.Errorf("%s has none", file)
		}
		for _, call := range calls {
			line, _, _ := strings.Cut(call[1], " #")
			cmd, args, err := newRoot(program{}).Find(strings.Fields(line))
			if err == nil {
				err = cmd.ParseFlags(args)
			}
			if err == nil {
				err = cmd.ValidateArgs(cmd.Flags().Args())
			}
			if err != nil {
				t.Errorf("%s: cmed %s: %v", file, line, err)
			}
		}
	}
}
