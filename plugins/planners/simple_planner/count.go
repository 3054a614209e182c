package main

import (
	"encoding/json"
	"fmt"
	"math"
)

// Count is a whole number. JSON has no integers, so 4.0 and 4e0 are read too:
// a schema's "integer" means the value, not how it is written.
type Count int

// UnmarshalJSON reads a JSON number that is whole.
func (c *Count) UnmarshalJSON(text []byte) error {
	var number float64
	if err := json.Unmarshal(text, &number); err != nil {
		return fmt.Errorf("read a whole number: %w", err)
	}
	if number != math.Trunc(number) || math.Abs(number) > math.MaxInt32 {
		return fmt.Errorf("%s is not a whole number that can be counted to", text)
	}
	*c = Count(number)
	return nil
}
