package httpapi

import (
	"fmt"
	"net/http"
	"strings"
	"testing"
)

// badInput is a request that is refused before anything is changed. msg is the
// whole text, or its beginning when it ends in "…".
type badInput struct {
	name   string
	call   call
	status int
	msg    string
}

func postPlan(body string) call { return sendJSON(http.MethodPost, "/api/1/plans/", body) }

func putExecutor(body string) call {
	return sendJSON(http.MethodPut, "/api/1/executors/"+string(execA), body)
}

func putDate(date string) call {
	return putExecutor(fmt.Sprintf(`{"type":"date","args":{"date":%q}}`, date))
}

var badBodies = []badInput{
	{"an empty body", postPlan(""), 400, "payload must be a valid json"},
	{"a blank body", postPlan(" \n"), 400, "payload must be a valid json"},
	{"no body and no type", call{method: "POST", target: "/api/1/plans/"}, 400, "payload must be a valid json"},
	{"half a body", postPlan(`{"name":`), 400, "payload must be a valid json"},
	{"text", postPlan(`hello`), 400, "payload must be a valid json"},
	{"a comma too many", postPlan(`{"name":"n",}`), 400, "payload must be a valid json"},
	{"a comment", postPlan(`{/* n */}`), 400, "payload must be a valid json"},
	{"two values", postPlan(minimalPlan + minimalPlan), 400, "payload must be a valid json"},
	{"garbage behind", postPlan(minimalPlan + `]`), 400, "payload must be a valid json"},
	{"NaN", postPlan(planWith(`"seed":NaN`)), 400, "payload must be a valid json"},
	{"Infinity", postPlan(planWith(`"timeout":Infinity`)), 400, "payload must be a valid json"},
	{"bytes that are not UTF-8", postPlan("{\"name\":\"\xff\"}"), 400, "payload must be a valid json"},
	{"a byte order mark", postPlan("\ufeff" + minimalPlan), 400, "payload must be a valid json"},
	{"a member twice", postPlan(planWith(`"name":"m"`)), 400, "payload must be a valid json"},
	{"a member twice further in", postPlan(planWith(`"x":[{"a":1,"a":2}]`)), 400, "payload must be a valid json"},
	{"a huge exponent", postPlan(planWith(`"seed":1e999999999`)), 400, "payload must be a valid json"},
	{"a tiny exponent", postPlan(planWith(`"seed":1e-999999999`)), 400, "payload must be a valid json"},
	{"a number without end", postPlan(planWith(`"seed":` + strings.Repeat("1", 401))), 400, "payload must be a valid json"},
	{"nesting without end", postPlan(strings.Repeat("[", 20000)), 400, "payload must be a valid json"},
	{"a list", postPlan(`[]`), 400, "invalid payload [] is not of type 'object'"},
	{"null", postPlan(`null`), 400, "invalid payload None is not of type 'object'"},
	{"a number", postPlan(`5`), 400, "invalid payload 5 is not of type 'object'"},
	{"no content type", postPlan(minimalPlan).without("Content-Type"), 415, "the content type must be…"},
	{"a form", call{method: "POST", target: "/api/1/plans/", body: "name=n"}.with("Content-Type", "application/x-www-form-urlencoded"), 415, "the content type must be…"},
	{"text/plain", call{method: "POST", target: "/api/1/plans/", body: minimalPlan}.with("Content-Type", "text/plain"), 415, "the content type must be…"},
	{"text/json", call{method: "POST", target: "/api/1/plans/", body: minimalPlan}.with("Content-Type", "text/json"), 415, "the content type must be…"},
	{"a broken content type", call{method: "POST", target: "/api/1/plans/", body: minimalPlan}.with("Content-Type", "application/json; charset"), 415, "the content type must be…"},
	{"another charset", call{method: "POST", target: "/api/1/plans/", body: minimalPlan}.with("Content-Type", "application/json; charset=utf-16"), 415, "the charset must be utf-8…"},
	{"a compressed body", postPlan(minimalPlan).with("Content-Encoding", "gzip"), 415, "the content encoding…"},
	{"a body too large", postPlan(planWith(`"x":"` + strings.Repeat("x", maxBody) + `"`)), 413, "the body is larger…"},
	{"the type before the size", call{method: "POST", target: "/api/1/plans/", body: strings.Repeat("x", maxBody+1)}.with("Content-Type", "text/plain"), 415, "the content type must be…"},
	{"the size before the syntax", postPlan(strings.Repeat("x", maxBody+1)), 413, "the body is larger…"},
}

var badPlans = []badInput{
	{"nothing in it", postPlan(`{}`), 400, "invalid payload 'name' is a required property"},
	{"no attack", postPlan(`{"name":"n","planner":{"ref":"p:P"}}`), 400, "invalid payload 'attack' is a required property"},
	{"no planner", postPlan(`{"name":"n","attack":{"ref":"a:A"}}`), 400, "invalid payload 'planner' is a required property"},
	{"a name in capitals is none", postPlan(`{"NAME":"n","attack":{"ref":"a:A"},"planner":{"ref":"p:P"}}`), 400, "invalid payload 'name' is a required property"},
	{"a name that is a number", postPlan(`{"name":5,"attack":{"ref":"a:A"},"planner":{"ref":"p:P"}}`), 400, "invalid payload 5 is not of type 'string'"},
	{"a name that is null", postPlan(`{"name":null,"attack":{"ref":"a:A"},"planner":{"ref":"p:P"}}`), 400, "invalid payload None is not of type 'string'"},
	{"a name without end", postPlan(`{"name":"` + strings.Repeat("n", 1025) + `","attack":{"ref":"a:A"},"planner":{"ref":"p:P"}}`), 400, "invalid payload …"},
	{"an attack that is text", postPlan(`{"name":"n","attack":"a:A","planner":{"ref":"p:P"}}`), 400, "invalid payload 'a:A' is not of type 'object'"},
	{"an attack without ref", postPlan(`{"name":"n","attack":{},"planner":{"ref":"p:P"}}`), 400, "invalid payload 'ref' is a required property"},
	{"an attack with a ref in capitals", postPlan(`{"name":"n","attack":{"REF":"a:A"},"planner":{"ref":"p:P"}}`), 400, "invalid payload 'ref' is a required property"},
	{"a ref that is a number", postPlan(`{"name":"n","attack":{"ref":1},"planner":{"ref":"p:P"}}`), 400, "invalid payload 1 is not of type 'string'"},
	{"a planner that is a list", postPlan(`{"name":"n","attack":{"ref":"a:A"},"planner":[]}`), 400, "invalid payload [] is not of type 'object'"},
	{"a negative seed", postPlan(planWith(`"seed":-1`)), 400, "invalid payload -1 is less…"},
	{"a seed beyond 2^53", postPlan(planWith(`"seed":9007199254740992`)), 400, "invalid payload 9007199254740992 is greater…"},
	{"a label that is no text", postPlan(planWith(`"labels":{"team":1}`)), 400, "invalid payload 1 is not of type 'string'"},
	{"half a seed", postPlan(planWith(`"seed":1.5`)), 400, "invalid payload 1.5 is not of type 'integer'"},
	{"a seed in words", postPlan(planWith(`"seed":"7"`)), 400, "invalid payload '7' is not of type 'integer'"},
	{"an undo that is neither", postPlan(planWith(`"undo":"maybe"`)), 400, "invalid payload 'maybe' is not one of…"},
	{"a zone that is none", postPlan(planWith(`"timezone":"Europe/Atlantis"`)), 400, `invalid payload "Europe/Atlantis" is not a known time zone…`},
	{"a city", postPlan(planWith(`"timezone":"New York"`)), 400, `invalid payload "New York" is not a known time zone; did you mean "America/New_York"?`},
	{"an empty zone", postPlan(planWith(`"timezone":""`)), 400, `invalid payload "" is not a known time zone…`},
	{"the machine's zone", postPlan(planWith(`"timezone":"Local"`)), 400, `invalid payload "Local" is not a known time zone…`},
	{"a zone that is a path", postPlan(planWith(`"timezone":"../../etc/passwd"`)), 400, `invalid payload "../../etc/passwd" is not…`},
	{"a timeout without unit", postPlan(planWith(`"timeout":"30"`)), 400, "invalid payload timeout is a duration…"},
	{"a timeout of nothing", postPlan(planWith(`"timeout":0`)), 400, "invalid payload timeout is a duration…"},
	{"a timeout below zero", postPlan(planWith(`"timeout":"-5s"`)), 400, "invalid payload timeout is a duration…"},
	{"a timeout too long", postPlan(planWith(`"timeout":2592001`)), 400, "invalid payload timeout is a duration…"},
	{"a timeout beyond int64", postPlan(planWith(`"timeout":1e300`)), 400, "invalid payload timeout is a duration…"},
	{"a timeout that is true", postPlan(planWith(`"timeout":true`)), 400, "invalid payload True is not of type 'string', 'number'"},
	{"a grace that is empty", postPlan(planWith(`"misfire_grace":""`)), 400, "invalid payload misfire_grace is a duration…"},
	{"a dry run in words", postPlan(planWith(`"dry_run":"yes"`)), 400, "invalid payload 'yes' is not of type 'boolean'"},
	{"a dry run that is misspelt", postPlan(planWith(`"dryRun":true`)), 400, `unknown member "dryRun"; "dry_run" is what is meant, and nothing was stored`},
	{"a dry run with a dash", postPlan(planWith(`"dry-run":true`)), 400, `unknown member "dry-run"…`},
	{"a dry run that is a number", postPlan(planWith(`"dry_run":1`)), 400, "invalid payload 1 is not of type 'boolean'"},
	{"a dry run in the query that may be one", sendJSON("POST", "/api/1/plans/?dry_run=ture", minimalPlan), 400, `dry_run is true or false, not "ture"; nothing was stored`},
	{"a dry run in the query without a value", sendJSON("POST", "/api/1/plans/?dry_run", minimalPlan), 400, `dry_run is true or false, not ""…`},
	{"a dry run in the query that is and is not one", sendJSON("POST", "/api/1/plans/?dry_run=false&dry_run=true", minimalPlan), 400, "dry_run is given 2 times; nothing was stored"},
	{"a dry run of a bad body", sendJSON("POST", "/api/1/plans/?dry_run=true", `{}`), 400, "invalid payload 'name' is a required property"},
	{"an irreversible null", postPlan(planWith(`"allow_irreversible":null`)), 400, "invalid payload None is not of type 'boolean'"},
	{"an empty key", postPlan(minimalPlan).with("Idempotency-Key", ""), 400, "an Idempotency-Key is…"},
	{"a key too long", postPlan(minimalPlan).with("Idempotency-Key", strings.Repeat("k", 256)), 400, "an Idempotency-Key is…"},
	{"a key that is not ASCII", postPlan(minimalPlan).with("Idempotency-Key", "clé"), 400, "an Idempotency-Key is…"},
	{"a key with a control character", postPlan(minimalPlan).with("Idempotency-Key", "a\tb"), 400, "an Idempotency-Key is…"},
	{"two keys", postPlan(minimalPlan).with("Idempotency-Key", "a").with("Idempotency-Key", "a"), 400, "an Idempotency-Key is…"},
}

var badTriggers = []badInput{
	{"no body", putExecutor(""), 400, "payload must be a valid json"},
	{"nothing in it", putExecutor(`{}`), 400, "invalid payload 'type' is a required property"},
	{"no args", putExecutor(`{"type":"date"}`), 400, "invalid payload 'args' is a required property"},
	{"no date", putExecutor(`{"type":"date","args":{}}`), 400, "invalid payload 'date' is a required property"},
	{"args that are text", putExecutor(`{"type":"date","args":"2026"}`), 400, "invalid payload '2026' is not of type 'object'"},
	{"a type that is a number", putExecutor(`{"type":1,"args":{}}`), 400, "invalid payload 1 is not of type 'string'"},
	{"a date that is a number", putExecutor(`{"type":"date","args":{"date":5}}`), 400, "invalid payload 5 is not of type 'string'"},
	{"a date that is null", putExecutor(`{"type":"date","args":{"date":null}}`), 400, "invalid payload None is not of type 'string'"},
	{"another type", putExecutor(`{"type":"cron","args":{}}`), 400, "Invalid trigger type"},
	{"a type in capitals", putExecutor(`{"type":"DATE","args":{"date":"2026-12-01"}}`), 400, "Invalid trigger type"},
	{"the type before the date", putExecutor(`{"type":"cron","args":{"date":"x"}}`), 400, "Invalid trigger type"},
	{"an empty date", putDate(""), 400, "Invalid date format"},
	{"a date in words", putDate("tomorrow"), 400, "Invalid date format"},
	{"a 30th of February", putDate("2026-02-30T10:00"), 400, "Invalid date format"},
	{"an hour 25", putDate("2026-02-03T25:00"), 400, "Invalid date format"},
	{"a date before 1970", putDate("1969-12-31T00:00:00Z"), 400, "Invalid date format"},
	{"a date after 2200", putDate("2201-01-02T00:00:00Z"), 400, "Invalid date format"},
	{"the date before the id", call{"PUT", "/api/1/executors/x", `{"type":"date","args":{"date":"x"}}`, nil}.with("Content-Type", "application/json"), 400, "Invalid date format"},
	{"the body before the id", call{"PUT", "/api/1/executors/x", `{`, nil}.with("Content-Type", "application/json"), 400, "payload must be a valid json"},
	{"an id that is none", sendJSON("PUT", "/api/1/executors/x", `{"type":"date","args":{"date":"2026-12-01"}}`), 404, "executor not found x"},
	{"an id of nothing", sendJSON("PUT", "/api/1/executors/"+nobody, `{"type":"date","args":{"date":"2026-12-01"}}`), 404, "executor not found " + nobody},
}

const leverMethods = "POST is not possible here; PUT engages the lever, DELETE releases it"

// tried is a good plan posted with a query that means a dry run.
func tried(query string) call { return sendJSON(http.MethodPost, "/api/1/plans/?"+query, minimalPlan) }

var badTrials = []badInput{
	{"in one word", tried("dryrun=true"), 400, `unknown parameter "dryrun"; dry_run is what is meant; nothing was stored`},
	{"with a hyphen", tried("dry-run"), 400, `unknown parameter "dry-run"; dry_run is what is meant; nothing was stored`},
	{"in capitals", tried("DRY_RUN=true"), 400, `unknown parameter "DRY_RUN"; dry_run is what is meant; nothing was stored`},
	{"in camel case", tried("dryRun=1"), 400, `unknown parameter "dryRun"; dry_run is what is meant; nothing was stored`},
	{"with too many separators", tried("_dry--run_=true"), 400, `unknown parameter "_dry--run_"; dry_run…`},
	{"misspelt and off", tried("dryrun=false"), 400, `unknown parameter "dryrun"; dry_run…`},
	{"misspelt beside the right one", tried("dry_run=false&dryrun=true"), 400, `unknown parameter "dryrun"; dry_run…`},
	{"misspelt twice", tried("dryrun=true&Dry-Run=true"), 400, `unknown parameter "Dry-Run"; dry_run…`},
}

var badRequests = []badInput{
	{"a plan of nothing", get("/api/1/plans/" + nobody), 404, "plan not found " + nobody},
	{"a plan id that is none", get("/api/1/plans/xyz"), 404, "plan not found xyz"},
	{"an id in capitals", get("/api/1/plans/" + strings.ToUpper(nobody)), 404, "plan not found …"},
	{"an id that climbs", get("/api/1/plans/..%2f..%2fetc"), 404, "plan not found ../../etc"},
	{"an executor of nothing", get("/api/1/executors/" + nobody), 404, "executor not found " + nobody},
	{"a log of nothing", get("/api/1/executors/" + nobody + "/log"), 404, "executor not found " + nobody},
	{"a followed log of nothing", get("/api/1/executors/" + nobody + "/log?follow=true"), 404, "executor not found " + nobody},
	{"a deletion of no plan", call{method: "DELETE", target: "/api/1/plans/7"}, 404, "plan not found 7"},
	{"a deletion of no executor", call{method: "DELETE", target: "/api/1/executors/7"}, 404, "executor not found 7"},
	{"a halt of no plan", call{method: "POST", target: "/api/1/plans/7/halt"}, 404, "plan not found 7"},
	{"a halt of no executor", call{method: "POST", target: "/api/1/executors/7/halt"}, 404, "executor not found 7"},
	{"a record of nothing", get("/api/1/undos/" + nobody + "-1"), 404, "undo record not found " + nobody + "-1"},
	{"a record id that is none", get("/api/1/undos/1"), 404, "undo record not found 1"},
	{"a record id with a zero in front", get("/api/1/undos/" + nobody + "-01"), 404, "undo record not found " + nobody + "-01"},
	{"a record id beyond uint64", get("/api/1/undos/" + nobody + "-18446744073709551616"), 404, "undo record not found …"},
	{"a record id below zero", get("/api/1/undos/" + nobody + "--1"), 404, "undo record not found …"},
	{"a retry of nothing", call{method: "POST", target: "/api/1/undos/" + nobody + "-1/retry"}, 404, "undo record not found …"},
	{"a retry of what is no id", call{method: "POST", target: "/api/1/undos/x/retry"}, 404, "undo record not found x"},
	{"a record state that is none", get("/api/1/undos/?state=open,running"), 400, `state: "running" is no state; the states are open, undoing,…`},
	{"an empty record state", get("/api/1/undos/?state="), 400, `state: "" is no state…`},
	{"records without a page", get("/api/1/undos/?limit=0"), 400, "limit is a number from 1 to 1000…"},
	{"records from a cursor that is none", get("/api/1/undos/?cursor=zz"), 400, `"zz" is no cursor`},
	{"a release by somebody with a long name", call{method: "DELETE", target: "/api/1/halt?by=" + strings.Repeat("n", 257)}, 400, "by is at most 256 characters"},
	{"a wrong method on the lever", call{method: "POST", target: "/api/1/halt", body: "{}"}, 405, leverMethods},
	{"a wrong method on the lever with a slash", call{method: "POST", target: "/api/1/halt/"}, 405, leverMethods},
	{"a deletion of a record", call{method: "DELETE", target: undoTarget}, 405, "DELETE is not possible here…"},
	{"no path", get("/nothing"), 404, "there is nothing at /nothing"},
	{"no such resource", get("/api/1/nothing/"), 404, "there is nothing at /api/1/nothing/"},
	{"another version", get("/api/2/plans/"), 404, "there is nothing at /api/2/plans/"},
	{"a doubled slash", get("/api/1//plans/"), 404, "there is nothing at …"},
	{"a plan with a slash behind", get("/api/1/plans/" + nobody + "/"), 404, "there is nothing at …"},
	{"a wrong method on a list", call{method: "DELETE", target: "/api/1/plans/"}, 405, "DELETE is not possible here…"},
	{"a wrong method on a plan", call{method: "PUT", target: "/api/1/plans/" + string(planA)}, 405, "PUT is not possible here…"},
	{"a wrong method on an executor", call{method: "POST", target: "/api/1/executors/" + string(execA)}, 405, "POST is not possible here…"},
	{"a made-up method", call{method: "BREW", target: "/api/1/plans/"}, 405, "BREW is not possible here…"},
	{"no page", get("/api/1/plans/?limit=0"), 400, "limit is a number from 1 to 1000…"},
	{"a page below zero", get("/api/1/executors/?limit=-1"), 400, "limit is a number from 1 to 1000…"},
	{"a page too large", get("/api/1/executors/?limit=1001"), 400, "limit is a number from 1 to 1000…"},
	{"a page in words", get("/api/1/executors/?limit=ten"), 400, "limit is a number from 1 to 1000…"},
	{"a page of nothing", get("/api/1/executors/?limit="), 400, "limit is a number from 1 to 1000…"},
	{"a cursor that is none", get("/api/1/executors/?limit=5&cursor=zz"), 400, `"zz" is no cursor`},
	{"an order that is none", get("/api/1/executors/?order=oldest"), 400, `order is due or newest, not "oldest"`},
	{"an empty order", get("/api/1/executors/?order="), 400, `order is due or newest, not ""`},
	{"a state that is none", get("/api/1/executors/?state=failed,asleep"), 400, `state: "asleep" is no state…`},
	{"an empty state", get("/api/1/executors/?state="), 400, `state: "" is no state…`},
	{"a plan filter that is no id", get("/api/1/executors/?plan_id=5"), 400, `plan_id: "5" is not the id of a plan`},
	{"a from that is no date", get("/api/1/executors/?from=soon"), 400, "from: Invalid date format: write it like 2026-03-01T15:30:00+01:00, 2026-03-01T15:30 or 2026-03-01"},
	{"an empty to", get("/api/1/executors/?to="), 400, "to: Invalid date format: write it…"},
	{"a to that never comes", get("/api/1/executors/?to=2026-02-30"), 400, "to: Invalid date format: there is no 2026-02-30: February 2026 has 28 days"},
	{"a query that is broken", get("/api/1/executors/?state=%zz"), 400, "the query can't be read…"},
	{"a query with semicolons", get("/api/1/plans/?all=true;limit=5"), 400, "the query can't be read…"},
	{"an event id that is no number", get("/api/1/executors/"+string(execA)+"/log").with("Accept", "text/event-stream").with("Last-Event-ID", "x"), 400, "the Last-Event-ID…"},
}

// without returns the call without a header.
func (c call) without(name string) call {
	c.header = c.header.Clone()
	c.header.Del(name)
	return c
}

func abandonUndo(body string) call { return sendJSON(http.MethodPost, undoTarget+"/abandon", body) }

var badAbandonments = []badInput{
	{"no body", abandonUndo(""), 400, "payload must be a valid json"},
	{"no body and no type", call{method: "POST", target: undoTarget + "/abandon"}, 400, "payload must be a valid json"},
	{"no reason", abandonUndo(`{}`), 400, "invalid payload 'reason' is a required property"},
	{"a reason in capitals is none", abandonUndo(`{"REASON":"r"}`), 400, "invalid payload 'reason' is a required property"},
	{"an empty reason", abandonUndo(`{"reason":""}`), 400, "invalid payload reason must say…"},
	{"a blank reason", abandonUndo(`{"reason":" \n"}`), 400, "invalid payload reason must say…"},
	{"a reason that is a number", abandonUndo(`{"reason":5}`), 400, "invalid payload 5 is not of type 'string'"},
	{"a reason without end", abandonUndo(`{"reason":"` + strings.Repeat("r", 1025) + `"}`), 400, "invalid payload …"},
	{"a by that is a list", abandonUndo(`{"reason":"r","by":[]}`), 400, "invalid payload [] is not of type 'string'"},
	{"a by without end", abandonUndo(`{"reason":"r","by":"` + strings.Repeat("b", 257) + `"}`), 400, "invalid payload …"},
	{"a form", abandonUndo("reason=r").without("Content-Type").with("Content-Type", "application/x-www-form-urlencoded"), 400, "payload must be a valid json"},
	{"a form's type without a reason", abandonUndo("{}").without("Content-Type").with("Content-Type", "application/x-www-form-urlencoded"), 400, "invalid payload 'reason' is a required property"},
	{"a compressed body", abandonUndo(`{"reason":"r"}`).with("Content-Encoding", "gzip"), 415, "the content encoding…"},
	{"a body too large", abandonUndo(`{"reason":"r"}` + strings.Repeat(" ", maxBody)), 413, "the body is larger…"},
	{"the body before the id", sendJSON("POST", "/api/1/undos/x/abandon", `{}`), 400, "invalid payload 'reason' is a required property"},
	{"an id that is none", sendJSON("POST", "/api/1/undos/x/abandon", `{"reason":"r"}`), 404, "undo record not found x"},
	{"an id of nothing", sendJSON("POST", "/api/1/undos/"+nobody+"-1/abandon", `{"reason":"r"}`), 404, "undo record not found " + nobody + "-1"},
}

func TestBadInput(t *testing.T) {
	for group, cases := range map[string][]badInput{
		"body": badBodies, "plan": badPlans, "trigger": badTriggers, "abandonment": badAbandonments, "trial": badTrials, "request": badRequests,
	} {
		for _, tt := range cases {
			t.Run(group+"/"+tt.name, func(t *testing.T) {
				f := newFake(t)
				a := do(t, f, tt.call).is(tt.status)
				if got := a.header.Get("Content-Type"); got != "application/problem+json" {
					t.Errorf("content type %q", got)
				}
				msg, _ := a.at("msg").(string)
				start, open := strings.CutSuffix(tt.msg, "…")
				if msg != tt.msg && (!open || !strings.HasPrefix(msg, start)) {
					t.Errorf("msg %q, want %q", msg, tt.msg)
				}
				if detail, _ := a.at("detail").(string); detail == "" {
					t.Error("no detail")
				}
				if allow := a.header.Get("Allow"); (allow != "") != (tt.status == 405) {
					t.Errorf("Allow %q", allow)
				}
				if len(f.changes) != 0 {
					t.Errorf("the engine was told to %v", f.changes)
				}
			})
		}
	}
}

func TestDetailTellsWhatTheTextKeepsBack(t *testing.T) {
	tests := []struct {
		call            call
		pointer, detail string
	}{
		{postPlan(planWith(`"name":"m"`)), "", `the member "name" appears twice in one object`},
		{postPlan(""), "", "the body is empty"},
		{postPlan(planWith(`"timezone":"X"`)), "/timezone", `/timezone: "X" is not a known time zone; one is "Europe/Madrid"`},
		{putExecutor(`{"type":"cron","args":{}}`), "/type", `/type: the only type of trigger is "date"`},
		{putDate("x"), "/args/date", "/args/date: a date is YYYY-MM-DDTHH:mm:ss, with an offset or in the engine's zone, from 1970 to 2200"},
	}
	for _, tt := range tests {
		a := do(t, newFake(t), tt.call).is(400)
		if got := a.at("detail"); got != tt.detail {
			t.Errorf("detail %q, want %q", got, tt.detail)
		}
		first := a.at("errors").([]any)[0].(map[string]any)
		message := strings.TrimPrefix(tt.detail, tt.pointer+": ")
		if first["pointer"] != tt.pointer || first["message"] != message {
			t.Errorf("errors[0] is %v, want pointer %q", first, tt.pointer)
		}
	}
}
