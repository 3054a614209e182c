package engine_test

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/chaos-monkey-engine/cmed/internal/engine"
)

// checking is a plan whose attack is asked to check its config.
func checking(args any) engine.PlanSpec {
	return engine.PlanSpec{
		Name: "p", Attack: config(noop, args),
		Planner: config(listed, map[string]any{"at": instants(time.Hour)}),
	}
}

func TestWhatACheckWarnsOfComesFirst(t *testing.T) {
	inBubble(t, func(t *testing.T, d *daemon) {
		var asked engine.Config
		d.stage.check = func(c engine.Config) ([]string, error) {
			asked = c
			return []string{"the script is missing", " ", "the key tok-12345 is no key\n"}, nil
		}
		d.stage.planners[listed] = func(call engine.PlanCall) (engine.Planned, error) {
			planned, err := planListed(call)
			planned.Warnings = []string{"of the planner"}
			return planned, err
		}
		spec := checking(map[string]any{"token": "tok-12345"})
		spec.IdempotencyKey, spec.Fingerprint = "key", "print"
		want := []string{"the script is missing", "the key [redacted] is no key", "of the planner"}
		for _, which := range []string{"the first answer", "the answer again"} {
			created, err := d.CreatePlan(t.Context(), spec)
			if err != nil || !slices.Equal(created.Warnings, want) {
				t.Errorf("%s: warnings %q, %v", which, created.Warnings, err)
			}
		}
		if asked.Ref != noop || !strings.Contains(string(asked.Doc), "tok-12345") {
			t.Errorf("asked about %s", asked.Doc)
		}
		preview, err := d.PreviewPlan(t.Context(), spec)
		if err != nil || !slices.Equal(preview.Warnings, want) {
			t.Errorf("preview: warnings %q, %v", preview.Warnings, err)
		}
	})
}

func TestACheckThatRefusesRefusesThePlan(t *testing.T) {
	for name, c := range map[string]struct {
		failure          engine.Failure
		message, pointer string
	}{
		"an arg":         {engine.Failure{Message: "no such provider", Pointer: "/args/provider"}, "no such provider", "/attack/args/provider"},
		"nothing single": {engine.Failure{Message: "it can't work"}, "it can't work", "/attack"},
		"no pointer":     {engine.Failure{Message: "it can't work", Pointer: "args"}, "it can't work", "/attack"},
		"with a secret":  {engine.Failure{Message: "tok-12345?", Pointer: "/args/tok-12345"}, "[redacted]?", "/attack/args/[redacted]"},
	} {
		t.Run(name, func(t *testing.T) {
			inBubble(t, func(t *testing.T, d *daemon) {
				d.stage.check = func(engine.Config) ([]string, error) {
					return []string{"unheard"}, fmt.Errorf("check its config: %w", &c.failure)
				}
				d.stage.planners[listed] = func(engine.PlanCall) (engine.Planned, error) {
					t.Error("the planner was asked")
					return engine.Planned{}, errors.New("asked")
				}
				spec := checking(map[string]any{"token": "tok-12345"})
				_, err := d.CreatePlan(t.Context(), spec)
				e, ok := errors.AsType[*engine.Error](err)
				if !ok || e.Code != engine.CodeInvalid || e.Message != c.message ||
					len(e.Problems) != 1 || e.Problems[0].Pointer != c.pointer {
					t.Errorf("%+v", err)
				}
				if _, err := d.PreviewPlan(t.Context(), spec); engine.CodeOf(err) != engine.CodeInvalid {
					t.Errorf("preview: %v", err)
				}
				plans, _, err := d.Plans(t.Context(), engine.PlanQuery{All: true})
				if err != nil || len(plans) != 0 {
					t.Errorf("%d plans stored, %v", len(plans), err)
				}
			})
		})
	}
}

func TestACheckThatBreaksOnlyWarns(t *testing.T) {
	long := strings.Repeat("é", 600)
	for name, c := range map[string]struct {
		err  error
		want string
	}{
		"it dies":   {errors.New("check its config: its process ended with tok-12345"), "the attack could not check its config: its process ended with [redacted]"},
		"it panics": {fmt.Errorf("check its config: %w", &engine.Failure{Message: "panic: tok-12345", Stack: "main.go:1"}), "the attack could not check its config: panic: [redacted]"},
		"at length": {errors.New("check its config: " + long), "the attack could not check its config: " + long[:984] + "…"},
	} {
		t.Run(name, func(t *testing.T) {
			inBubble(t, func(t *testing.T, d *daemon) {
				d.stage.check = func(engine.Config) ([]string, error) { return []string{"unheard"}, c.err }
				created, err := d.CreatePlan(t.Context(), checking(map[string]any{"token": "tok-12345"}))
				if err != nil || len(created.Warnings) != 1 || created.Warnings[0] != c.want {
					t.Errorf("warnings %q, %v, want %q", created.Warnings, err, c.want)
				}
			})
		})
	}
}

func TestACheckTakesNoLongerThanAPlan(t *testing.T) {
	inBubble(t, func(t *testing.T, d *daemon) {
		d.stage.checkIn = time.Hour
		d.stage.check = func(engine.Config) ([]string, error) { return nil, nil }
		begun := time.Now()
		created, err := d.CreatePlan(t.Context(), checking(nil))
		if took := time.Since(begun); err != nil || took != 10*time.Second {
			t.Errorf("took %s, %v", took, err)
		}
		if want := "the attack could not check its config: it gave no answer within 10s"; !slices.Equal(created.Warnings, []string{want}) {
			t.Errorf("warnings %q", created.Warnings)
		}
	})
}

func TestASecretIsNotCutInAWarning(t *testing.T) {
	inBubble(t, func(t *testing.T, d *daemon) {
		key := strings.Repeat("0123456789abcdef", 200)
		d.stage.check = func(engine.Config) ([]string, error) { return []string{"not a key: " + key}, nil }
		created, err := d.CreatePlan(t.Context(), checking(map[string]any{"token": key}))
		if err != nil || !slices.Equal(created.Warnings, []string{"not a key: [redacted]"}) {
			t.Errorf("warnings %q, %v", created.Warnings, err)
		}
	})
}

func TestAttacksThatCheckNothingAreNotAsked(t *testing.T) {
	inBubble(t, func(t *testing.T, d *daemon) {
		created, err := d.CreatePlan(t.Context(), checking(nil)) // the stage would panic
		if err != nil || len(created.Warnings) != 0 {
			t.Errorf("warnings %q, %v", created.Warnings, err)
		}
	})
}

func TestAPlanOfAnAttackThatLacksVariablesWarns(t *testing.T) {
	inBubble(t, func(t *testing.T, d *daemon) {
		d.stage.withheld = []string{"AWS_*", "HOME"}
		created, err := d.CreatePlan(t.Context(), checking(nil))
		want := "test:Noop asks for AWS_*, HOME, which this daemon has in its environment and does not let it see; " +
			"to change that, start cmed with --flag"
		if err != nil || !slices.Equal(created.Warnings, []string{want}) {
			t.Errorf("warnings %q, %v", created.Warnings, err)
		}
	})
}
