package httpapi

import (
	"cmp"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/chaos-monkey-engine/cmed/internal/engine"
	"github.com/chaos-monkey-engine/cmed/sdk/dates"
)

// maxPage is the largest page a client may ask for.
const maxPage = 1000

// newestFirst is the order of a list that begins at its end.
const newestFirst = "newest"

// query is the query of a request. What can't be understood in it is a 400.
type query struct{ url.Values }

func queryOf(r *http.Request) (query, error) {
	values, err := url.ParseQuery(r.URL.RawQuery)
	if err != nil {
		return query{}, engine.Errorf(engine.CodeInvalid, "the query can't be read: %w", err)
	}
	return query{values}, nil
}

// flag reads a boolean: true, yes, on, y and 1 in any case are true, all else
// is false.
func (q query) flag(name string) bool {
	switch strings.ToLower(q.Get(name)) {
	case "true", "yes", "on", "y", "1":
		return true
	default:
		return false
	}
}

// trial reads dry_run. It is the one boolean that must be understood: what was
// meant as a trial must not be done for real. For the same reason another way to
// write its name is refused.
func (q query) trial() (bool, error) {
	if wrong := misspelt(q.Values, "dry_run"); wrong != "" {
		return false, engine.Errorf(engine.CodeInvalid, "unknown parameter %q; dry_run is what is meant; nothing was stored", wrong)
	}
	switch values := q.Values["dry_run"]; {
	case len(values) == 0:
		return false, nil
	case len(values) > 1:
		return false, engine.Errorf(engine.CodeInvalid, "dry_run is given %d times; nothing was stored", len(values))
	case q.flag("dry_run"):
		return true, nil
	}
	switch value := q.Get("dry_run"); strings.ToLower(value) {
	case "false", "no", "off", "n", "0":
		return false, nil
	default:
		return false, engine.Errorf(engine.CodeInvalid, "dry_run is true or false, not %q; nothing was stored", value)
	}
}

// limit is the size of the page asked for; 0 when none is.
func (q query) limit() (int, error) {
	if !q.Has("limit") {
		return 0, nil
	}
	n, err := strconv.Atoi(q.Get("limit"))
	if err != nil || n < 1 || n > maxPage {
		return 0, engine.Errorf(engine.CodeInvalid, "limit is a number from 1 to %d, not %q", maxPage, q.Get("limit"))
	}
	return n, nil
}

// newest says whether a list is asked for in the reverse of its usual order, which
// has a name.
func (q query) newest(usual string) (bool, error) {
	if !q.Has("order") {
		return false, nil
	}
	switch order := q.Get("order"); order {
	case usual:
		return false, nil
	case newestFirst:
		return true, nil
	default:
		return false, engine.Errorf(engine.CodeInvalid, "order is %s or %s, not %q", usual, newestFirst, order)
	}
}

// date reads an instant; a bare one is in the zone. The zero time when absent.
func (q query) date(name string, zone *time.Location) (time.Time, error) {
	if !q.Has(name) {
		return time.Time{}, nil
	}
	t, _, err := dates.Parse(q.Get(name), zone)
	if err != nil {
		return time.Time{}, engine.Errorf(engine.CodeInvalid, "%s: %s: %s", name, invalidDate,
			cmp.Or(dates.NoDay(q.Get(name)), "write it like 2026-03-01T15:30:00+01:00, 2026-03-01T15:30 or 2026-03-01"))
	}
	return t, nil
}

// statesOf reads a list of states: the parameter repeated, or with commas. nil
// when it is absent.
func statesOf[S ~string](q query, name string, known []S) ([]S, error) {
	var states []S
	for _, value := range q.Values[name] {
		for part := range strings.SplitSeq(value, ",") {
			state := S(strings.TrimSpace(part))
			if !slices.Contains(known, state) {
				return nil, engine.Errorf(engine.CodeInvalid, "%s: %q is no state; the states are %s", name, part, listOf(known))
			}
			states = append(states, state)
		}
	}
	return states, nil
}

func listOf[S ~string](states []S) string {
	names := make([]string, len(states))
	for i, s := range states {
		names[i] = string(s)
	}
	return strings.Join(names, ", ")
}
