package main

import (
	"errors"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/chaos-monkey-engine/cmed/internal/engine"
	"github.com/chaos-monkey-engine/cmed/internal/nearest"
	"github.com/chaos-monkey-engine/cmed/sdk/dates"
)

// The daemon judges what it is asked. A slip in words that are known here is told
// before it is asked, as one in a flag is.

// executorStates are the values of --state.
func executorStates() []string { return engine.Names(engine.States) }

// eventTypes are the values of --type: the things, and each thing with what can
// happen to it.
func eventTypes() []string {
	var types []string
	for _, thing := range slices.Sorted(maps.Keys(engine.EventTypes)) {
		types = append(types, thing)
		for _, what := range engine.EventTypes[thing] {
			types = append(types, thing+"."+what)
		}
	}
	return types
}

// checkWords refuses a value of a flag that is none of those there are.
func checkWords(flag string, values, known []string) error {
	for _, value := range values {
		word := strings.TrimSpace(value)
		if slices.Contains(known, word) {
			continue
		}
		if near := nearest.Name(word, known); near != "" {
			return usagef("--%s: there is no %q; did you mean %q?", flag, printable(word), near)
		}
		return usagef("--%s: there is no %q; there are %s", flag, printable(word), strings.Join(known, ", "))
	}
	return nil
}

// completeWords completes the last of the words that a flag takes with commas between.
func completeWords(cmd *cobra.Command, flag string, known []string) {
	_ = cmd.RegisterFlagCompletionFunc(flag, // it has that flag
		func(_ *cobra.Command, _ []string, typed string) ([]cobra.Completion, cobra.ShellCompDirective) {
			before := typed[:strings.LastIndex(typed, ",")+1]
			found := make([]cobra.Completion, len(known))
			for i, word := range known {
				found[i] = before + word
			}
			return found, cobra.ShellCompDirectiveNoFileComp
		})
}

// checkPeriod refuses what --from and --to can't be.
func checkPeriod(from, to string) error {
	for _, given := range []struct{ flag, date string }{{"from", from}, {"to", to}} {
		if given.date == "" {
			continue
		}
		if err := checkDate(given.date); err != nil {
			return usagef("--%s: %w", given.flag, err)
		}
	}
	return nil
}

// checkDate returns why a text is no date of the API, in whatever zone.
func checkDate(text string) error {
	if why := dates.NoDay(text); why != "" {
		return errors.New(printable(why))
	}
	if _, _, err := dates.Parse(text, time.UTC); err != nil {
		return fmt.Errorf("%q is no date: write one such as 2026-12-24 or 2026-12-24T18:00:00Z", printable(text))
	}
	return nil
}

// checkTTL refuses what is no time for a key to live, as the API reads it.
func checkTTL(ttl string) error {
	if ttl == "" {
		return nil
	}
	wrong := fmt.Errorf(`%q is no time to live: write a number and a unit, such as "12h" or "30d"`, printable(ttl))
	if days, ok := strings.CutSuffix(ttl, "d"); ok {
		if n, err := strconv.Atoi(days); err != nil || n <= 0 {
			return usagef("--ttl: %w", wrong)
		}
		return nil
	}
	if d, err := time.ParseDuration(ttl); err != nil || d <= 0 {
		return usagef("--ttl: %w", wrong)
	}
	return nil
}
