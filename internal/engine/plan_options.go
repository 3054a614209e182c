package engine

import (
	"crypto/rand"
	"encoding/binary"
	"encoding/json"
	"fmt"
	"time"
)

const (
	// maxTimeout bounds the durations of a plan.
	maxTimeout = 30 * 24 * time.Hour
	// maxSeed keeps seeds exact in JSON readers that only have doubles.
	maxSeed = 1<<53 - 1
)

// checkOptions says what is wrong with the optional members of a plan.
func checkOptions(p Plan, seed *int64) error {
	if _, err := time.LoadLocation(p.Zone); err != nil || p.Zone == "Local" {
		return problemAt("/timezone", "%q is not a time zone; use an IANA name such as Europe/Madrid or UTC", p.Zone)
	}
	if p.Timeout < 0 || p.Timeout > maxTimeout {
		return problemAt("/timeout", "a timeout is more than 0 and at most %s", maxTimeout)
	}
	if p.MisfireGrace < 0 || p.MisfireGrace > maxTimeout {
		return problemAt("/misfire_grace", "a misfire grace is more than 0 and at most %s", maxTimeout)
	}
	if p.UndoPolicy != UndoAuto && p.UndoPolicy != UndoKeep {
		return problemAt("/undo", "%q is not one of 'auto', 'keep'", p.UndoPolicy)
	}
	if err := checkLabels(p.Labels); err != nil {
		return err
	}
	if seed != nil && (*seed < 0 || *seed > maxSeed) {
		return problemAt("/seed", "a seed is a whole number from 0 to %d", int64(maxSeed))
	}
	return nil
}

// maxLabels bounds the labels of a plan; each is at most maxLabel bytes.
const (
	maxLabels = 64
	maxLabel  = 256
)

func checkLabels(labels map[string]string) error {
	if len(labels) > maxLabels {
		return problemAt("/labels", "there are %d labels, the limit is %d", len(labels), maxLabels)
	}
	for name, value := range labels {
		if name == "" || len(name) > maxLabel || len(value) > maxLabel {
			return problemAt("/labels", "a label's name has 1 to %d bytes, its value at most %d", maxLabel, maxLabel)
		}
	}
	return nil
}

// windUp is what a run is given beyond the duration its args ask for.
const windUp = time.Minute

// timeoutOf returns the bound of a plan's runs. An attack that says in its args
// how long it lasts is given that time, unless the plan says otherwise: then the
// two must not contradict each other.
func timeoutOf(p Plan, fallback time.Duration) (time.Duration, error) {
	lasts := durationIn(p.Attack.Args())
	switch {
	case p.Timeout == 0 && lasts > 0:
		return max(fallback, min(lasts, maxTimeout-windUp)+windUp), nil
	case p.Timeout == 0:
		return fallback, nil
	case lasts > p.Timeout && p.Timeout > 0:
		return 0, problemAt("/timeout", "the attack is to last %s and would be stopped after %s; "+
			"raise the timeout, or leave it out", lasts, p.Timeout)
	}
	return p.Timeout, nil
}

// durationIn returns the args' member "duration", a text such as 1m30s or a
// number of seconds; 0 when there is none.
func durationIn(args json.RawMessage) time.Duration {
	var body struct {
		Duration any `json:"duration"`
	}
	if json.Unmarshal(args, &body) != nil {
		return 0
	}
	switch v := body.Duration.(type) {
	case string:
		d, err := time.ParseDuration(v)
		if err == nil {
			return d
		}
	case float64:
		if v < maxTimeout.Seconds() {
			return time.Duration(v * float64(time.Second))
		}
		return maxTimeout
	}
	return 0
}

// seedOr returns the seed asked for, or a random one.
func seedOr(asked *int64) (int64, error) {
	if asked != nil {
		return *asked, nil
	}
	var b [8]byte
	if _, err := rand.Read(b[:]); err != nil {
		return 0, fmt.Errorf("draw a seed: %w", err)
	}
	return int64(binary.BigEndian.Uint64(b[:]) & maxSeed), nil
}

// seedOf derives the seed of the i-th executor from its plan's, by the mixing
// function of SplitMix64 (Steele, Lea, Flood, 2014).
func seedOf(plan int64, i int) int64 {
	z := uint64(plan) + (uint64(i)+1)*0x9e3779b97f4a7c15 //nolint:gosec // the wrap is meant
	z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9
	z = (z ^ (z >> 27)) * 0x94d049bb133111eb
	return int64((z ^ (z >> 31)) & maxSeed)
}
