//go:build failpoints

package failpoint

import (
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"time"
)

// rule is what one step does, and when.
type rule struct {
	kill  bool
	err   error
	sleep time.Duration

	// from is the first hit it applies to, counted from 1; onwards makes it
	// apply to all later ones too.
	from    int64
	onwards bool
}

// applies says whether the rule is for the n-th hit.
func (r rule) applies(n int64) bool {
	return n == r.from || r.onwards && n > r.from
}

// errnos are the errors that a step can be told to return.
var errnos = map[string]error{
	"ENOSPC": syscall.ENOSPC,
	"EIO":    syscall.EIO,
	"EROFS":  syscall.EROFS,
}

// parse reads a list of entries "name=action[@n[+]]". Empty entries are passed
// over, so that a trailing semicolon does no harm.
func parse(text string) (map[string]rule, error) {
	rules := map[string]rule{}
	for entry := range strings.SplitSeq(text, ";") {
		entry = strings.TrimSpace(entry)
		if entry == "" {
			continue
		}
		name, r, err := parseEntry(entry)
		if err != nil {
			return nil, fmt.Errorf("%q: %w", entry, err)
		}
		if _, twice := rules[name]; twice {
			return nil, fmt.Errorf("%q: the step is given twice", entry)
		}
		rules[name] = r
	}
	return rules, nil
}

func parseEntry(entry string) (string, rule, error) {
	name, rest, found := strings.Cut(entry, "=")
	if !found {
		return "", rule{}, errors.New("want name=action")
	}
	if !slices.Contains(Names(), name) {
		return "", rule{}, fmt.Errorf("no step is named %q", name)
	}
	action, count, counted := strings.Cut(rest, "@")
	r, err := parseAction(action)
	if err != nil {
		return "", rule{}, err
	}
	r.from = 1
	if counted {
		digits, onwards := strings.CutSuffix(count, "+")
		r.onwards = onwards
		r.from, err = strconv.ParseInt(digits, 10, 64)
		if err != nil || r.from < 1 {
			return "", rule{}, fmt.Errorf("%q is not a count from 1 on", count)
		}
	}
	return name, r, nil
}

func parseAction(text string) (rule, error) {
	if text == "kill" {
		return rule{kill: true}, nil
	}
	verb, argument, found := strings.Cut(strings.TrimSuffix(text, ")"), "(")
	if !found || !strings.HasSuffix(text, ")") {
		return rule{}, fmt.Errorf("%q is not an action: want kill, error(...) or sleep(...)", text)
	}
	switch verb {
	case "error":
		err, known := errnos[argument]
		if !known {
			return rule{}, fmt.Errorf("%q is not an error: want ENOSPC, EIO or EROFS", argument)
		}
		return rule{err: err}, nil
	case "sleep":
		d, err := time.ParseDuration(argument)
		if err != nil || d <= 0 {
			return rule{}, fmt.Errorf("%q is not a time to sleep", argument)
		}
		return rule{sleep: d}, nil
	default:
		return rule{}, fmt.Errorf("%q is not an action: want kill, error(...) or sleep(...)", text)
	}
}
