package httpapi

import (
	"context"
	"io"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/hashicorp/go-hclog"

	"github.com/chaos-monkey-engine/cmed/internal/engine"
)

func engage(body string) call { return sendJSON(http.MethodPut, "/api/1/halt", body) }

const leverLinksDoc = `"_links": {
  "self": {"href": "/api/1/halt"}, "executors": {"href": "/api/1/executors/"},
  "undos": {"href": "/api/1/undos/"}, "status": {"href": "/api/1/status"}}`

func TestLeverNeverEngaged(t *testing.T) {
	f := newFake(t)
	f.halted.Durable = true
	do(t, f, get("/api/1/halt")).is(http.StatusOK).equals(`{
	  "engaged": false, "by": "", "reason": "", "at": null, "released_by": "", "released_at": null, "durable": true,
	  "halt_file": null, "stopping": 0, "undoing": 0, "stop": null,
	  "msg": "the lever is not engaged: executors start when they are due", ` + leverLinksDoc + `}`)
	if len(f.changes) != 0 {
		t.Errorf("a look did %v", f.changes)
	}
}

func TestEngageLever(t *testing.T) {
	f := newFake(t)
	f.halted = engine.LeverState{
		Durable: true, Stopping: 2, Undoing: 3, HaltFile: "/run/cmed.halt",
		Lever: engine.Lever{Stop: &engine.LeverStop{Runs: 5, Gone: 140250 * time.Microsecond, NotUndone: 2}},
	}
	do(t, f, engage(`{"reason":"it burns","by":"ops"}`)).is(http.StatusOK).equals(`{
	  "engaged": true, "by": "ops", "reason": "it burns", "at": "2026-11-21T03:00:00+01:00",
	  "released_by": "", "released_at": null, "durable": true,
	  "halt_file": "/run/cmed.halt", "stopping": 2, "undoing": 3,
	  "stop": {"runs": 5, "gone_ms": 140.25, "undone_ms": null, "not_undone": 2},
	  "msg": "the lever is engaged: nothing starts; still to be stopped: 2, to be undone: 3",
	  "_warnings": ["the lever can't be released while the halt file /run/cmed.halt is there"], ` + leverLinksDoc + `}`)
}

// TestNothingKeepsTheLeverFromEngaging sends what somebody may send at night.
// With a warning, by and reason are those of one who said nothing.
func TestNothingKeepsTheLeverFromEngaging(t *testing.T) {
	put := func(body string) call { return call{method: http.MethodPut, target: "/api/1/halt", body: body} }
	form := put(`{"reason":"it burns"}`).with("Content-Type", "application/x-www-form-urlencoded")
	tests := []struct {
		name            string
		call            call
		by, reason      string
		warning         string // a part of the only one
		closesTheStream bool
	}{
		{name: "no body", call: put("")},
		{name: "no body with a type", call: engage("")},
		{name: "a blank body", call: engage(" \n")},
		{name: "nothing in it", call: engage("{}")},
		{name: "a reason", call: engage(`{"reason":" it burns "}`), reason: "it burns"},
		{name: "a name", call: engage(`{"by":"ops"}`), by: "ops"},
		{name: "no content type", call: put(`{"reason":"it burns"}`), reason: "it burns"},
		{name: "what curl takes for a form", call: form, reason: "it burns"},
		{name: "a broken content type", call: put(`{"by":"ops"}`).with("Content-Type", ";;"), by: "ops"},
		{name: "a blank reason", call: engage(`{"reason":"  "}`)},
		{name: "an unknown member", call: engage(`{"raeson":"it burns"}`), warning: `unknown member "raeson" is ignored; did you mean "reason"?`},
		{name: "no JSON", call: put("it burns"), warning: "invalid character", closesTheStream: true},
		{name: "half a body", call: engage(`{"reason":"it bu`), warning: "unexpected end", closesTheStream: true},
		{name: "a list", call: engage(`[]`), warning: "not of type 'object'", closesTheStream: true},
		{name: "null", call: engage(`null`), warning: "not of type 'object'", closesTheStream: true},
		{name: "a reason that is a number", call: engage(`{"reason":5,"by":"ops"}`), warning: "5 is not of type 'string'", closesTheStream: true},
		{name: "a reason without end", call: engage(`{"reason":"` + strings.Repeat("r", 1025) + `"}`), warning: "/reason: ", closesTheStream: true},
		{name: "a member twice", call: engage(`{"reason":"a","reason":"b"}`), warning: "appears twice", closesTheStream: true},
		{name: "bytes that are not UTF-8", call: engage("{\"reason\":\"\xff\"}"), warning: "not UTF-8", closesTheStream: true},
		{name: "a compressed body", call: engage("\x1f\x8b\x08").with("Content-Encoding", "gzip"), warning: "not UTF-8", closesTheStream: true},
		{name: "a body too large", call: engage(strings.Repeat("x", maxBody+1)), warning: "larger than", closesTheStream: true},
		{name: "a query that is broken", call: call{method: http.MethodPut, target: "/api/1/halt?x=%zz;"}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			f := newFake(t)
			f.halted.Durable = true
			a := do(t, f, tt.call).is(http.StatusOK).has("engaged", "true")
			by, reason := "API client 192.0.2.1", "halted on request"
			if tt.by != "" {
				by = tt.by
			}
			if tt.reason != "" {
				reason = tt.reason
			}
			if f.by != by || f.reason != reason || !slices.Equal(f.changes, []string{"engage"}) {
				t.Errorf("%v by %q: %q", f.changes, f.by, f.reason)
			}
			warnings, _ := a.doc()["_warnings"].([]any)
			switch {
			case tt.warning == "" && len(warnings) != 0,
				tt.warning != "" && (len(warnings) != 1 || !strings.Contains(warnings[0].(string), tt.warning)):
				t.Errorf("warnings %v", warnings)
			}
			if got := a.header.Get("Connection") == "close"; got != tt.closesTheStream {
				t.Errorf("Connection: close is %v", got)
			}
		})
	}
}

// FuzzLeverBody puts anything: the lever is engaged, by somebody and for some
// reason.
func FuzzLeverBody(f *testing.F) {
	for _, body := range []string{``, `{"reason":"it burns","by":"ops"}`, `{"reason":null}`, `{`, `[]`, "\xff", `{"by":" "}`} {
		f.Add([]byte(body))
	}
	f.Fuzz(func(t *testing.T, body []byte) {
		fake := newFake(t)
		do(t, fake, engage(string(body))).is(http.StatusOK).has("engaged", "true")
		if fake.by == "" || fake.reason == "" || len(fake.changes) != 1 {
			t.Errorf("%v by %q: %q", fake.changes, fake.by, fake.reason)
		}
	})
}

func TestTheLeverDoesNotWaitForAClientThatHangs(t *testing.T) {
	f := newFake(t)
	_, addr := serveLoopback(t, Config{BodyTimeout: time.Minute}, f)
	began := time.Now()
	res := raw(t, addr, "PUT /api/1/halt HTTP/1.1\r\nHost: localhost\r\nContent-Length: 100\r\n\r\n{")
	if took := time.Since(began); res.StatusCode != http.StatusOK || took > 5*haltBodyWait {
		t.Errorf("%s after %v", res.Status, took)
	}
	body, err := io.ReadAll(res.Body)
	if err != nil || !strings.Contains(string(body), "the body took too long to arrive") || !strings.Contains(string(body), `"engaged":true`) {
		t.Errorf("%v: %s", err, body)
	}
}

func TestTheLeverEngagesForAClientThatHungUp(t *testing.T) {
	f := newFake(t)
	f.onEngage = func(ctx context.Context) {
		if _, bounded := ctx.Deadline(); ctx.Err() != nil || !bounded {
			t.Errorf("engaging is bounded: %v, called off: %v", bounded, ctx.Err())
		}
	}
	ctx, hangUp := context.WithCancel(context.Background())
	hangUp()
	r := httptest.NewRequestWithContext(ctx, http.MethodPut, "/api/1/halt", nil)
	r.Host = "localhost"
	NewServer(Config{Open: OpenToAll}, f, hclog.NewNullLogger()).Handler().ServeHTTP(httptest.NewRecorder(), r)
	if !f.halted.Engaged {
		t.Error("the lever was not engaged")
	}
}

func TestWhatIsHaltedForAClientThatHungUpIsHalted(t *testing.T) {
	for _, target := range []string{"/api/1/plans/" + string(planA), "/api/1/executors/" + string(execA)} {
		f := newFake(t)
		ctx, hangUp := context.WithCancel(t.Context())
		hangUp()
		r := httptest.NewRequestWithContext(ctx, http.MethodPost, target+"/halt", nil)
		r.Host = "localhost"
		w := httptest.NewRecorder()
		func() {
			defer func() { _ = recover() }() // an answer that nobody waits for may be cut off
			NewServer(Config{Open: OpenToAll}, f, hclog.NewNullLogger()).Handler().ServeHTTP(w, r)
		}()
		if len(f.changes) != 1 {
			t.Errorf("%s: done is %v, the answer %d", target, f.changes, w.Code)
		}
	}
}

func TestTheLeverIsGuarded(t *testing.T) {
	for _, c := range []call{
		engage("").with("Origin", "https://evil.example"),
		engage("").with("Sec-Fetch-Site", "cross-site"),
		engage("").with("Host", "evil.example"),
		call{method: http.MethodDelete, target: "/api/1/halt"}.with("Origin", "https://evil.example"),
	} {
		f := newFake(t)
		if a := do(t, f, c); a.status < 400 || len(f.changes) != 0 {
			t.Errorf("%v: status %d, did %v", c.header, a.status, f.changes)
		}
	}
}

func TestALeverThatCannotBeStoredSaysWhatThatMeans(t *testing.T) {
	tests := []struct {
		name     string
		state    engine.LeverState
		call     call
		warnings []string
	}{
		{"nowhere", engine.LeverState{}, engage(""), []string{
			"the lever could not be stored, nor is there a halt file: if the daemon is started anew before it can be, executors start again",
		}},
		{"in the halt file only", engine.LeverState{HaltFile: "/h"}, engage(""), []string{
			"the lever could not be stored: only the halt file /h would engage it again when the daemon is started anew",
			"the lever can't be released while the halt file /h is there",
		}},
		{"a release", engine.LeverState{}, call{method: http.MethodDelete, target: "/api/1/halt"}, []string{
			"the release could not be stored: if the daemon is started anew before it can be, the lever is engaged again",
		}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			f := newFake(t)
			f.halted = tt.state
			want, err := encode(tt.warnings)
			if err != nil {
				t.Fatal(err)
			}
			do(t, f, tt.call).is(http.StatusOK).has("durable", "false").has("_warnings", string(want))
		})
	}
}

func TestEngagingTwiceKeepsWhoAndWhy(t *testing.T) {
	f := newFake(t)
	f.halted.Durable = true
	do(t, f, engage(`{"reason":"first","by":"ops"}`)).is(http.StatusOK)
	do(t, f, engage(`{"reason":"second","by":"dev"}`)).is(http.StatusOK).has("by", `"ops"`).has("reason", `"first"`).
		has("_warnings", `["the lever was engaged already; who engaged it and why stay as they were"]`)
	if len(f.changes) != 2 {
		t.Errorf("the engine was told %v", f.changes)
	}
}

func TestReleaseLever(t *testing.T) {
	f := newFake(t)
	f.halted = engine.LeverState{Durable: true, Lever: engine.Lever{Engaged: true, By: "ops", Reason: "enough"}}
	release := call{method: http.MethodDelete, target: "/api/1/halt"}
	f.fail["ReleaseLever"] = engine.Errorf(engine.CodeConflict, "the halt file /h is there")
	do(t, f, release).is(http.StatusConflict).has("msg", `"the halt file /h is there"`)

	f.fail["ReleaseLever"] = nil
	do(t, f, release).is(http.StatusOK).has("engaged", "false").has("reason", `"enough"`).
		has("released_by", `"API client 192.0.2.1"`).has("released_at", `"2026-11-21T04:00:00+01:00"`)
	release.target += "?by=dev%20ops"
	do(t, f, release).is(http.StatusOK).has("released_by", `"dev ops"`)
}
