package sdk

import (
	"encoding/json"
	"fmt"
	"math"
	"strings"
	"time"

	"github.com/invopop/jsonschema"
)

// Duration is a time.Duration in args: in JSON a text like "1m30s" or a number
// of seconds. It is not negative. A default for its schema is set as for any
// other field, with the tag jsonschema:"default=15m".
type Duration time.Duration

// String prints it as time.Duration does.
func (d Duration) String() string { return time.Duration(d).String() }

// MarshalJSON writes it as text.
func (d Duration) MarshalJSON() ([]byte, error) { return json.Marshal(d.String()) }

// UnmarshalJSON reads a text or a number of seconds.
func (d *Duration) UnmarshalJSON(doc []byte) error {
	var value any
	if err := json.Unmarshal(doc, &value); err != nil {
		return err
	}
	switch v := value.(type) {
	case nil:
		return nil
	case string:
		return d.readText(v)
	case float64:
		return d.readSeconds(v)
	default:
		return fmt.Errorf("%s is not a duration like \"1m30s\" or a number of seconds", doc)
	}
}

func (d *Duration) readText(text string) error {
	parsed, err := time.ParseDuration(text)
	if err != nil {
		return fmt.Errorf("%q is not a duration like 1m30s", text)
	}
	if strings.HasPrefix(text, "-") { // "-0s" too, as in the schema
		return fmt.Errorf("%q is a negative duration", text)
	}
	*d = Duration(parsed)
	return nil
}

func (d *Duration) readSeconds(seconds float64) error {
	if seconds < 0 {
		return fmt.Errorf("%v seconds are a negative duration", seconds)
	}
	ns := seconds * float64(time.Second)
	if ns >= math.MaxInt64 {
		return fmt.Errorf("%v seconds are too long", seconds)
	}
	*d = Duration(ns)
	return nil
}

// JSONSchema is how the schema of a struct describes it. That it is a duration
// is said by the hint "widget"; the format "duration" of JSON Schema would mean a
// text of ISO 8601 such as PT1M30S, which is not read.
func (Duration) JSONSchema() *jsonschema.Schema {
	return &jsonschema.Schema{
		Pattern: `^\+?(0|(([0-9]+(\.[0-9]*)?|\.[0-9]+)(ns|us|µs|μs|ms|s|m|h))+)$`,
		Minimum: "0",
		Extras: map[string]any{
			"type": []string{"string", "number"},
			"x-ui": map[string]any{"widget": "duration"},
		},
	}
}
