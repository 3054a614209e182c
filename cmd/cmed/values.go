package main

import (
	"fmt"
	"math"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"github.com/chaos-monkey-engine/cmed/internal/nearest"
)

// A field names where in the config a value belongs.
type field[T any] func(*config) *T

func setNumber(least, most int, into field[int]) func(*config, string) error {
	return func(c *config, s string) error {
		n, err := strconv.Atoi(s)
		if err != nil || n < least || n > most {
			return fmt.Errorf("%q is not a number from %d to %d", s, least, most)
		}
		*into(c) = n
		return nil
	}
}

func setTruth(into field[bool]) func(*config, string) error {
	return func(c *config, s string) error {
		v, err := strconv.ParseBool(strings.ToLower(s))
		if err != nil {
			return fmt.Errorf("%q is neither true nor false", s)
		}
		*into(c) = v
		return nil
	}
}

func setPath(into field[string]) func(*config, string) error {
	return func(c *config, s string) error {
		if s == "" {
			return fmt.Errorf("the path is empty")
		}
		*into(c) = filepath.Clean(s)
		return nil
	}
}

func setDuration(into field[time.Duration]) func(*config, string) error {
	return func(c *config, s string) error {
		d, err := time.ParseDuration(s)
		if err != nil || d <= 0 {
			return fmt.Errorf("%q is not a duration: write a number and a unit, such as 90s, 15m or 1h30m", s)
		}
		*into(c) = d
		return nil
	}
}

func setZone(into field[*time.Location]) func(*config, string) error {
	return func(c *config, s string) error {
		zone, err := time.LoadLocation(s)
		if err != nil || s == "" || s == "Local" {
			if near := nearest.Zone(s); near != "" {
				return fmt.Errorf("%q is not a time zone; did you mean %s?", s, near)
			}
			return fmt.Errorf("%q is not a time zone: use a name of the IANA database such as Europe/Madrid or UTC", s)
		}
		*into(c) = zone
		return nil
	}
}

// units are those of a size, the longer names first.
var units = []struct {
	name  string
	bytes int64
}{{"KiB", 1 << 10}, {"MiB", 1 << 20}, {"GiB", 1 << 30}, {"TiB", 1 << 40}, {"B", 1}, {"", 1}}

func setSize(into field[int64]) func(*config, string) error {
	return func(c *config, s string) error {
		for _, unit := range units {
			digits, ok := strings.CutSuffix(s, unit.name)
			if !ok {
				continue
			}
			n, err := strconv.ParseInt(digits, 10, 64)
			if err != nil || n < 0 || n > math.MaxInt64/unit.bytes {
				break
			}
			*into(c) = n * unit.bytes
			return nil
		}
		return fmt.Errorf("%q is not a size: write a number and a unit, such as 512MiB or 1GiB", s)
	}
}
