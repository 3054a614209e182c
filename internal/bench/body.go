package main

import (
	"encoding/json"
	"fmt"
	"strconv"
	"time"
)

// planBody is a plan as it is posted.
type planBody struct {
	Name     string     `json:"name"`
	Attack   configured `json:"attack"`
	Planner  configured `json:"planner"`
	Timezone string     `json:"timezone,omitempty"`
}

// configured is a ref with its args.
type configured struct {
	Ref  string         `json:"ref"`
	Args map[string]any `json:"args"`
}

func (b planBody) encode() ([]byte, error) {
	body, err := json.Marshal(b)
	if err != nil {
		return nil, fmt.Errorf("write a plan: %w", err)
	}
	return body, nil
}

// apiRequest is an attack that is never run here.
var apiRequest = configured{shippedRef, map[string]any{"endpoint": "http://127.0.0.1:9/orders", "method": "POST"}}

// oneTomorrow is a plan with one executor.
func oneTomorrow() planBody {
	return planBody{Name: "bench", Attack: apiRequest, Planner: configured{
		"exact_planner:ExactPlanner", map[string]any{"date": time.Now().UTC().AddDate(0, 0, 1).Format(time.RFC3339)},
	}}
}

// manyToday is a plan with so many executors later today. Whatever the hour, it
// is around six in the morning in its zone, so that none is due for hours.
func manyToday(executors int) planBody {
	// Zones of this name count westwards: 3 o'clock UTC is 6 o'clock in Etc/GMT-3.
	west := time.Now().UTC().Hour() - 6
	zone := "Etc/GMT"
	if west > 12 { // there is none that far west, but one a day's rest to the east
		west -= 24
	}
	if west != 0 {
		zone += fmt.Sprintf("%+d", west)
	}
	return planBody{Name: "bench", Attack: apiRequest, Timezone: zone, Planner: configured{
		"simple_planner:SimplePlanner", map[string]any{"min_time": "12:00", "max_time": "24:00", "times": executors},
	}}
}

// burst is a plan with so many executors due at first, and again each apart.
func burst(marks string, first time.Time, each, bursts int, apart time.Duration) planBody {
	return planBody{
		Name: "bench", Attack: configured{attackRef, map[string]any{"path": marks}},
		Planner: configured{"bench:Bursts", map[string]any{
			"first": first.UTC().Format(time.RFC3339Nano), "each": each, "bursts": bursts, "apart": apart.String(),
		}},
	}
}

// thousands prints a number with commas.
func thousands(n int) string {
	text := strconv.Itoa(n)
	for i := len(text) - 3; i > 0; i -= 3 {
		text = text[:i] + "," + text[i:]
	}
	return text
}
