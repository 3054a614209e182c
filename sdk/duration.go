package sdk

import (
	"encoding/json"
	"fmt"
	"math"
	"time"

	"github.com/invopop/jsonschema"
)

// Duration is a time.Duration in args: in JSON a text like "1m30s" or a number
// of seconds. It is not negative. A default for its schema is set with the tag
// jsonschema_extras:"default=15m".
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
		parsed, err := time.ParseDuration(v)
		if err != nil {
			return fmt.Errorf("%q is not a duration like 1m30s", v)
		}
		*d = Duration(parsed)
	case float64:
		if ns := v * float64(time.Second); math.Abs(ns) < math.MaxInt64 {
			*d = Duration(ns)
			break
		}
		return fmt.Errorf("%v seconds are too long", v)
	default:
		return fmt.Errorf("%s is not a duration like \"1m30s\" or a number of seconds", doc)
	}
	if *d < 0 {
		return fmt.Errorf("%s is a negative duration", doc)
	}
	return nil
}

// JSONSchema is how the schema of a struct describes it.
func (Duration) JSONSchema() *jsonschema.Schema {
	return &jsonschema.Schema{
		Pattern: `^\+?(0|(([0-9]+(\.[0-9]*)?|\.[0-9]+)(ns|us|µs|μs|ms|s|m|h))+)$`,
		Minimum: "0",
		Extras:  map[string]any{"type": []string{"string", "number"}},
	}
}
