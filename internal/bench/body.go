package main

import (
	"encoding/json"
	"fmt"
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

// manyToday is a plan with so many executors in the afternoon of its zone, where
// it is early in the morning now: none is due for hours.
func manyToday(executors int) planBody {
	return planBody{Name: "bench", Attack: apiRequest, Timezone: morning(time.Now()), Planner: configured{
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

// morning returns a zone in which it is between six and seven in the morning.
// The zones Etc/GMT+1 and so on lie to the west: there it is an hour earlier.
func morning(now time.Time) string {
	west := now.UTC().Hour() - 6
	if west > 12 { // no zone is that far west, but one to the east has that hour
		west -= 24
	}
	if west == 0 {
		return "Etc/GMT"
	}
	return fmt.Sprintf("Etc/GMT%+d", west)
}
