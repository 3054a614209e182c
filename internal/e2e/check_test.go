package e2e

import (
	"net/http"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"
)

// careful is a plan of an attack that checks its args.
func careful(attackArgs args) request {
	return request{method: http.MethodPost, path: "/api/1/plans/", body: planBody("e2e:Careful", attackArgs, tomorrow())}
}

// warnings are those of an answer.
func (d document) warnings() []string {
	var texts []string
	list, _ := d["_warnings"].([]any)
	for _, w := range list {
		text, _ := w.(string)
		texts = append(texts, text)
	}
	return texts
}

func TestACheckOfTheAttackWarns(t *testing.T) {
	t.Parallel()
	d := start(t, withArgs("--log-level", "trace"))
	if can := d.get(t, "/api/1/attacks/e2e:Careful")["can_check"]; can != true {
		t.Errorf("can_check is %v", can)
	}
	body := with(planBody("e2e:Careful", args{"warn": "it is dark with", "token": secret}, tomorrow()), map[string]any{"colour": "red"})
	a := d.send(t, request{method: http.MethodPost, path: "/api/1/plans/", body: body})
	if a.status != http.StatusOK {
		t.Fatalf("status %d: %s", a.status, a.body)
	}
	warnings := a.doc(t).warnings()
	if !slices.Contains(warnings, "it is dark with [redacted]") || len(warnings) != 2 {
		t.Errorf("warnings %q", warnings)
	}
	preview := d.send(t, trial("?dry_run=true", toJSON(t, body)))
	if warnings := preview.doc(t).warnings(); !slices.Contains(warnings, "it is dark with [redacted]") {
		t.Errorf("a trial warns of %q", warnings)
	}
	path := filepath.Join(d.dir, "plan.json")
	touch(t, path, toJSON(t, body))
	for _, command := range [][]string{{"plan", "-f", path}, {"plan", "--dry-run", "-f", path}} {
		o := d.cmed(t, 0, command...)
		says(t, strings.Join(command, " "), o.err, "it is dark with [redacted]")
		checkHidden(t, "cmed plan", o.out+o.err)
	}
	checkHidden(t, "the answer", string(a.body)+string(preview.body))
	checkHidden(t, "the daemon's log", d.stderr.String())
	if quiet := d.send(t, careful(args{})).doc(t).warnings(); len(quiet) != 0 {
		t.Errorf("warnings of nothing: %q", quiet)
	}
}

func TestACheckOfTheAttackRefuses(t *testing.T) {
	t.Parallel()
	d := start(t, withArgs("--log-level", "trace"))
	stored := d.stored(t)
	refused := args{"warn": "unheard", "refuse": "it never works", "token": secret}
	for _, r := range []request{careful(refused), trial("?dry_run=true", toJSON(t, planBody("e2e:Careful", refused, tomorrow())))} {
		a := d.send(t, r)
		checkProblem(t, a, http.StatusBadRequest, "it never works: [redacted]")
		checkHidden(t, "the refusal", string(a.body))
		errors := a.doc(t).list("errors")
		if len(errors) != 1 || errors[0].text("pointer") != "/attack/args/refuse" {
			t.Errorf("errors: %s", a.body)
		}
	}
	if now := d.stored(t); now != stored {
		t.Errorf("something was stored: %s", now)
	}
	checkHidden(t, "the daemon's log", d.stderr.String())
}

func TestACheckOfTheAttackThatBreaksOnlyWarns(t *testing.T) {
	t.Parallel()
	d := start(t, withArgs("--log-level", "trace"))
	for how, want := range map[string]string{
		"panic": "the attack could not check its config: panic: of no use is [redacted]",
		"exit": "the attack could not check its config: its process ended without an answer: it exited with code 3; " +
			"its last words: goodbye [redacted]",
		"hang": "the attack could not check its config: no answer within 10s",
	} {
		a := d.send(t, careful(args{"break": how, "token": secret}))
		if a.status != http.StatusOK {
			t.Errorf("%s: status %d: %s", how, a.status, a.body)
			continue
		}
		if got := a.doc(t).warnings(); !slices.Equal(got, []string{want}) {
			// The engine and the host bound the same time; either may say so.
			if how != "hang" || len(got) != 1 || !strings.HasSuffix(got[0], "no answer within 10s") {
				t.Errorf("%s: warnings %q, want %q", how, got, want)
			}
		}
		checkHidden(t, how, string(a.body))
	}
	checkHidden(t, "the daemon's log", d.stderr.String())
	id := d.attack(t, "e2e:Careful", args{"break": "panic"}, time.Now())
	d.await(t, id, "succeeded")
}
