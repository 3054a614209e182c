package plugincheck

import (
	"context"
	"encoding/json"
	"errors"
	"regexp"
	"slices"
	"strings"
	"time"

	"github.com/chaos-monkey-engine/cmed/internal/engine"
)

// hugeSize is that of a huge argument, in bytes: more than the API takes, and
// less than a message may have.
const hugeSize = 4 << 20

// hugeText is a JSON text of that size.
func hugeText() string { return `"` + strings.Repeat("x", hugeSize) + `"` }

// dateForm finds the dates in an example, at least to the day.
var dateForm = regexp.MustCompile(`\b(19|20|21)\d\d-\d\d-\d\d`)

// momentsFor are the moments at which an example is tried: now, the beginning of
// this day, and the day before the first date in it.
func momentsFor(config engine.Config, now time.Time) []time.Time {
	moments := []time.Time{now, now.Truncate(24 * time.Hour)}
	var dates []time.Time
	for _, text := range dateForm.FindAllString(string(config.Doc), -1) {
		if date, err := time.Parse(time.DateOnly, text); err == nil {
			dates = append(dates, date)
		}
	}
	if len(dates) > 0 {
		moments = append(moments, slices.MinFunc(dates, time.Time.Compare).Add(-24*time.Hour))
	}
	return moments
}

// plansStrange asks for a plan of the example with a member added.
func (s *subject) plansStrange(ctx context.Context, name, value string) verdict {
	config, reason := s.plannerConfig()
	if reason != "" {
		return notRun("%s", reason)
	}
	doc, _, err := withMember(config.Doc, true, name, value)
	if err != nil {
		return notRun("its example can't be changed: %s", err)
	}
	return s.answers(ctx, doc)
}

// plansWrongType asks for plans of args that are of no use.
func plansWrongType(ctx context.Context, s *subject) verdict {
	for _, args := range []string{`[]`, `"text"`, `null`, `{}`} {
		doc, err := json.Marshal(map[string]any{"ref": s.offer.Ref, "args": json.RawMessage(args)})
		if err != nil {
			return notRun("no config can be made: %s", err)
		}
		if v := s.answers(ctx, doc); v.outcome != Passed {
			v.message = "given the args " + args + ": " + v.message
			return v
		}
	}
	return passed()
}

// answers asks for a plan of a config that the schema need not allow. A plan will
// do, and so will a refusal with words; the planner's process must not break.
func (s *subject) answers(ctx context.Context, doc json.RawMessage) verdict {
	_, err := s.ask(ctx, engine.Config{Ref: engine.Ref(s.offer.Ref), Doc: doc}, time.Now().UTC(), planSeed)
	failure := (*engine.Failure)(nil)
	switch {
	case err == nil:
		return passed()
	case !errors.As(err, &failure):
		return failed("%s", cut(err.Error(), 300))
	case failure.Stack != "":
		return failed("it panics: %s", cut(failure.Message, 300))
	case strings.TrimSpace(failure.Message) == "":
		return failed("it refuses without a word")
	case len(failure.Message) > longestRefusal:
		return failed("its refusal has %d bytes, and begins with %s", len(failure.Message), excerpt(failure.Message)).mend(
			"quote no more of what was given than a person can read")
	}
	return passed()
}

// longestRefusal is how long the words of a refusal may be, in bytes.
const longestRefusal = 8 << 10
