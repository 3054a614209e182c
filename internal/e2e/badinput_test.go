package e2e

import (
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"
)

// badInput is a request that is refused and changes nothing. msg is the whole
// text, or its beginning when it ends in "…".
type badInput struct {
	name    string
	request request
	status  int
	msg     string
}

// good is a plan that is accepted; the cases change one thing of it.
const good = `{"name":"n","attack":{"ref":"e2e:Sleep","args":{"for":"1s"}},` +
	`"planner":{"ref":"exact_planner:ExactPlanner","args":{"date":"2031-01-01"}}}`

// goodBut is that plan with one text replaced by another.
func goodBut(from, to string) request { return plansPost(strings.Replace(good, from, to, 1)) }

// goodAnd is that plan with one more member.
func goodAnd(member string) request { return plansPost(strings.Replace(good, "{", "{"+member+",", 1)) }

// trial is a POST of a plan with a query.
func trial(query, body string) request {
	return request{method: http.MethodPost, path: "/api/1/plans/" + query, body: body}
}

func plansPost(body string) request {
	return request{method: http.MethodPost, path: "/api/1/plans/", body: body}
}

// headed is a request with a header; "" removes it.
func headed(r request, name, value string) request {
	r.header = map[string]string{name: value}
	return r
}

// attacking is a plan with an attack, planning one with a planner.
func attacking(attack string) request {
	return goodBut(`{"ref":"e2e:Sleep","args":{"for":"1s"}}`, attack)
}

func calling(args string) request {
	return attacking(`{"ref":"api_request:ApiRequest","args":` + args + `}`)
}

func planning(planner string) request {
	return goodBut(`{"ref":"exact_planner:ExactPlanner","args":{"date":"2031-01-01"}}`, planner)
}

func exactly(date string) request {
	return planning(fmt.Sprintf(`{"ref":"exact_planner:ExactPlanner","args":{"date":%s}}`, date))
}

func simply(args string) request {
	return planning(`{"ref":"simple_planner:SimplePlanner","args":` + args + `}`)
}

func get(path string) request { return request{method: http.MethodGet, path: path} }

const (
	notJSON     = "payload must be a valid json"
	invalidDate = "Invalid date format"
)

var badBodies = []badInput{
	{"an empty body", plansPost(""), 400, notJSON},
	{"half a body", plansPost(good[:40]), 400, notJSON},
	{"text", plansPost("hello"), 400, notJSON},
	{"a form", headed(plansPost("name=n"), "Content-Type", "application/x-www-form-urlencoded"), 415, "the content type must be…"},
	{"a form that says it is JSON", plansPost("name=n"), 400, notJSON},
	{"the documentation's comma too many", plansPost(strings.Replace(good, `"1s"}`, `"1s",}`, 1)), 400, notJSON},
	{"two documents", plansPost(good + good), 400, notJSON},
	{"a member twice", goodAnd(`"name":"m"`), 400, notJSON},
	{"not UTF-8", plansPost(strings.Replace(good, `"n"`, "\"\xff\"", 1)), 400, notJSON},
	{"a NaN", goodAnd(`"seed":NaN`), 400, notJSON},
	{"a huge exponent", goodAnd(`"timeout":1e999999999`), 400, notJSON},
	{"nesting without end", plansPost(strings.Repeat(`[`, 100_000)), 400, notJSON},
	{"a list", plansPost(`[]`), 400, "invalid payload [] is not of type 'object'"},
	{"null", plansPost(`null`), 400, "invalid payload None is not of type 'object'"},
	{"no content type", headed(plansPost(good), "Content-Type", ""), 415, "the content type must be…"},
	{"plain text", headed(plansPost(good), "Content-Type", "text/plain"), 415, "the content type must be…"},
	{"another charset", headed(plansPost(good), "Content-Type", "application/json; charset=latin1"), 415, "the charset must be…"},
	{"a compressed body", headed(plansPost(good), "Content-Encoding", "gzip"), 415, "the content encoding…"},
	{"more than a mebibyte", goodAnd(`"x":"` + strings.Repeat("x", 1<<20) + `"`), 413, "the body is larger than 1048576 bytes"},
}

var badPlans = []badInput{
	{"nothing in it", plansPost(`{}`), 400, "invalid payload 'name' is a required property"},
	{"no attack", goodBut(`"attack"`, `"atack"`), 400, "invalid payload 'attack' is a required property"},
	{"no planner", goodBut(`"planner"`, `"Planner"`), 400, "invalid payload 'planner' is a required property"},
	{"a name that is a number", goodBut(`"n"`, `7`), 400, "invalid payload 7 is not of type 'string'"},
	{"an empty name", goodBut(`"n"`, `""`), 400, "invalid payload '' should be non-empty…"},
	{"a blank name", goodBut(`"n"`, `" \t"`), 400, "invalid payload…"},
	{"a name too long", goodBut(`"n"`, `"`+strings.Repeat("ü", 1025)+`"`), 400, "…"},
	{"an attack that is a string", attacking(`"e2e:Sleep"`), 400, "invalid payload 'e2e:Sleep' is not of type 'object'"},
	{"an attack without ref", attacking(`{"args":{}}`), 400, "invalid payload 'ref' is a required property"},
	{"a ref that is a list", attacking(`{"ref":[]}`), 400, "invalid payload [] is not of type 'string'"},
	{"an empty ref", attacking(`{"ref":""}`), 400, `unknown attack ""…`},
	{"an unknown ref", attacking(`{"ref":"e2e:Slep","args":{}}`), 400, `unknown attack "e2e:Slep"; did you mean e2e:Sleep…`},
	{"a planner as the attack", attacking(`{"ref":"exact_planner:ExactPlanner","args":{"date":"2031-01-01"}}`), 400, "unknown attack…"},
	{"an attack as the planner", planning(`{"ref":"e2e:Sleep","args":{"for":"1s"}}`), 400, "unknown planner…"},
	{"a ref that is a path", attacking(`{"ref":"../attacks/testplugin","args":{}}`), 400, "unknown attack…"},
	{"a ref with a zero byte", attacking(`{"ref":"e2e:Sleep\u0000","args":{}}`), 400, "unknown attack…"},
	{"a ref without end", attacking(`{"ref":"` + strings.Repeat("x", 100_000) + `"}`), 400, "unknown attack…"},
	{"a zone that is none", goodAnd(`"timezone":"Europe/Atlantis"`), 400, "invalid payload \"Europe/Atlantis\"…"},
	{"a zone that is a path", goodAnd(`"timezone":"/etc/passwd"`), 400, "invalid payload \"/etc/passwd\"…"},
	{"a timeout of 0", goodAnd(`"timeout":0`), 400, "invalid payload timeout is a duration…"},
	{"a negative timeout", goodAnd(`"timeout":"-1s"`), 400, "invalid payload timeout is a duration…"},
	{"a timeout of a year", goodAnd(`"timeout":"8760h"`), 400, "invalid payload timeout is a duration…"},
	{"a timeout in words", goodAnd(`"timeout":"soon"`), 400, "invalid payload timeout is a duration…"},
	{"a grace that is a list", goodAnd(`"misfire_grace":[]`), 400, "invalid payload [] is not of type 'string', 'number'"},
	{"a negative seed", goodAnd(`"seed":-1`), 400, "invalid payload -1 is less than the minimum of 0"},
	{"a seed beyond doubles", goodAnd(`"seed":9007199254740993`), 400, "invalid payload 9007199254740993…"},
	{"an undo that is neither", goodAnd(`"undo":"never"`), 400, "invalid payload 'never' is not one of…"},
	{"a dry run, which is not offered", goodAnd(`"dry_run":true`), 400, "e2e:Sleep does not offer dry runs; nothing was stored"},
	{"a word for a dry run", goodAnd(`"dry_run":"yes"`), 400, "invalid payload 'yes' is not of type 'boolean'"},
	{"a word for allow_irreversible", goodAnd(`"allow_irreversible":"yes"`), 400, "invalid payload 'yes' is not of type 'boolean'"},
}

var badArgs = []badInput{
	{"no args", attacking(`{"ref":"e2e:Sleep"}`), 400, "invalid payload 'args' is a required property"},
	{"args that are a list", attacking(`{"ref":"e2e:Sleep","args":[]}`), 400, "invalid payload [] is not of type 'object'"},
	{"an arg missing", attacking(`{"ref":"e2e:Sleep","args":{}}`), 400, "invalid payload 'for' is a required property"},
	{"an arg of the wrong type", attacking(`{"ref":"e2e:Count","args":{"file":5}}`), 400, "invalid payload 5 is not of type 'string'"},
	{"an arg too many", attacking(`{"ref":"e2e:Sleep","args":{"for":"1s","x":1}}`), 400, "invalid payload 'x' is not a known property…"},
	{"a duration that is none", attacking(`{"ref":"e2e:Sleep","args":{"for":"long"}}`), 400, "invalid payload 'long' is not a duration such as 1m30s, or a number of seconds"},
	{"an endpoint without scheme", calling(`{"endpoint":"localhost:4500","method":"GET"}`), 400, "invalid payload…"},
	{"an endpoint on the disk", calling(`{"endpoint":"file:///etc/passwd","method":"GET"}`), 400, "invalid payload…"},
	{"an endpoint with a password", calling(`{"endpoint":"http://u:p@localhost/","method":"GET"}`), 400, "invalid payload…"},
	{"a port beyond all", calling(`{"endpoint":"http://localhost:70000/","method":"GET"}`), 400, "invalid payload…"},
	{"a method that is none", calling(`{"endpoint":"http://localhost/","method":"BREW"}`), 400, "invalid payload 'BREW' is not one of…"},
	{"a header with a line break", calling(`{"endpoint":"http://localhost/","method":"GET","headers":{"A":"b\r\nC: d"}}`), 400, "invalid payload…"},
	{"a status that is none", calling(`{"endpoint":"http://localhost/","method":"GET","expect_status":99}`), 400, "invalid payload…"},
	{"a planner without args", planning(`{"ref":"exact_planner:ExactPlanner"}`), 400, "invalid payload 'args' is a required property"},
	{"a date that is a number", exactly(`1795236298`), 400, "invalid payload 1795236298 is not of type 'string'"},
	{"an empty date", exactly(`""`), 400, "invalid payload '' is too short…"},
	{"a date in words", exactly(`"tomorrow"`), 400, invalidDate + "…"},
	{"a thirteenth month", exactly(`"2031-13-01"`), 400, invalidDate + "…"},
	{"a thirtieth of February", exactly(`"2031-02-30T10:00"`), 400, invalidDate + "…"},
	{"a twenty-fifth hour", exactly(`"2031-01-01T25:00"`), 400, invalidDate + "…"},
	{"a year before 1970", exactly(`"1969-12-31"`), 400, invalidDate + "…"},
	{"a year after 2200", exactly(`"2201-01-02"`), 400, invalidDate + "…"},
	{"an epoch beyond all", exactly(`"99999999999999999999"`), 400, invalidDate + "…"},
	{"a window backwards", simply(`{"min_time":"18:00","max_time":"10:00","times":4}`), 400, "…"},
	{"an empty window", simply(`{"min_time":"10:00","max_time":"10:00","times":4}`), 400, "…"},
	{"an hour that is none", simply(`{"min_time":"25:00","max_time":"26:00","times":4}`), 400, "…"},
	{"no times", simply(`{"min_time":"10:00","max_time":"18:00","times":0}`), 400, "…"},
	{"too many times", simply(`{"min_time":"10:00","max_time":"18:00","times":10001}`), 400, "…"},
	{"half a time", simply(`{"min_time":"10:00","max_time":"18:00","times":1.5}`), 400, "…"},
}

var badQueries = []badInput{
	{"a limit of 0", get("/api/1/plans/?limit=0"), 400, "limit is a number from 1 to 1000…"},
	{"a limit of 1001", get("/api/1/executors/?limit=1001"), 400, "limit is a number from 1 to 1000…"},
	{"a limit in words", get("/api/1/executors/?limit=ten"), 400, "limit is a number from 1 to 1000…"},
	{"an empty limit", get("/api/1/executors/?limit="), 400, "limit is a number from 1 to 1000…"},
	{"an order that is none", get("/api/1/executors/?order=oldest"), 400, `order is due or newest, not "oldest"`},
	{"a cursor that is none", get("/api/1/executors/?limit=5&cursor=nonsense"), 400, "…"},
	{"a cursor of plans that is none", get("/api/1/plans/?limit=5&cursor=%2F%00"), 400, "…"},
	{"a state that is none", get("/api/1/executors/?state=asleep"), 400, "…"},
	{"a plan that is none", get("/api/1/executors/?plan_id=5"), 400, "plan_id: \"5\" is not the id of a plan"},
	{"a from that is none", get("/api/1/executors/?from=yesterday"), 400, "from: Invalid date format: write it like…"},
	{"a to that is none", get("/api/1/executors/?to=2031-02-30"), 400, "to: Invalid date format: there is no 2031-02-30: February 2031 has 28 days"},
	{"a query that is none", get("/api/1/plans/?all=%zz"), 400, "the query can't be read…"},
	{"a trial that is unclear", trial("?dry_run=ture", good), 400, `dry_run is true or false, not "ture"; nothing was stored`},
	{"a trial that is on and off", trial("?dry_run=true&dry_run=false", good), 400, "dry_run is given 2 times; nothing was stored"},
	{"a trial in one word", trial("?dryrun=true", good), 400, `unknown parameter "dryrun"; dry_run is what is meant; nothing was stored`},
	{"a trial with a hyphen", trial("?dry-run", good), 400, `unknown parameter "dry-run"; dry_run is what is meant; nothing was stored`},
	{"a trial in capitals", trial("?DRY_RUN=true", good), 400, `unknown parameter "DRY_RUN"; dry_run is what is meant; nothing was stored`},
	{"a trial of a broken plan", trial("?dry_run=true", "{"), 400, notJSON},
	{"a trial of an unknown attack", trial("?dry_run=true", strings.Replace(good, "e2e:Sleep", "e2e:Slip", 1)), 400, `unknown attack "e2e:Slip"…`},
	{"an undo's state that is none", get("/api/1/undos/?state=undone,broken"), 400, `state: "broken" is no state…`},
	{"a page of no undos", get("/api/1/undos/?limit=0"), 400, "limit is a number from 1 to 1000…"},
	{"an undo's cursor that is none", get("/api/1/undos/?limit=1&cursor=x"), 400, ""},
	{"a release by a very long name", request{method: http.MethodDelete, path: leverPath + "?by=" + strings.Repeat("x", 257)}, 400, "by is at most 256 characters"},
	{"an empty key", headed(plansPost(good), "Idempotency-Key", " "), 400, "an Idempotency-Key is…"},
	{"a key too long", headed(plansPost(good), "Idempotency-Key", strings.Repeat("k", 256)), 400, "an Idempotency-Key is…"},
	{"a key that is not ASCII", headed(plansPost(good), "Idempotency-Key", "schlüssel"), 400, "an Idempotency-Key is…"},
}

// badMoves are about an executor that is scheduled and a plan that is stored.
func badMoves(plan, executor string) []badInput {
	path := "/api/1/executors/" + executor
	put := func(body string) request { return request{method: http.MethodPut, path: path, body: body} }
	to := func(date string) request { return put(`{"type":"date","args":{"date":` + date + `}}`) }
	none := strings.Repeat("0", 32)
	return []badInput{
		{"a move without body", put(""), 400, notJSON},
		{"a move without type", put(`{"args":{"date":"2031-01-01"}}`), 400, "invalid payload 'type' is a required property"},
		{"a move without args", put(`{"type":"date"}`), 400, "invalid payload 'args' is a required property"},
		{"a move by cron", put(`{"type":"cron","args":{"date":"2031-01-01"}}`), 400, "Invalid trigger type"},
		{"a move by DATE", put(`{"type":"DATE","args":{"date":"2031-01-01"}}`), 400, "Invalid trigger type"},
		{"a move without date", put(`{"type":"date","args":{}}`), 400, "invalid payload 'date' is a required property"},
		{"a move to a number", to(`1795236298`), 400, "invalid payload 1795236298 is not of type 'string'"},
		{"a move to nowhere", to(`""`), 400, invalidDate},
		{"a move to the British date", to(`"23/10/2031"`), 400, invalidDate},
		{"a move to a sixtieth minute", to(`"2031-10-23T19:60"`), 400, invalidDate},
		{"a move to an offset that is none", to(`"2031-10-23T19:19+25:00"`), 400, invalidDate},
		{"a move with blanks around", to(`" 2031-10-23 "`), 400, invalidDate},
		{"a move beyond 2200", to(`"2201-01-01T00:00:00Z"`), 400, invalidDate},
		{"a move before 1970", to(`"-1"`), 400, invalidDate},
		{"a move as a form", headed(put("date=2031-01-01"), "Content-Type", "multipart/form-data"), 415, "the content type must be…"},
		{"the plan's id as an executor's", get("/api/1/executors/" + plan), 404, "executor not found " + plan},
		{"the executor's id as a plan's", get("/api/1/plans/" + executor), 404, "plan not found " + executor},
		{"an id in capitals", request{method: http.MethodDelete, path: "/api/1/plans/" + strings.ToUpper(plan)}, 404, "plan not found…"},
		{"an id cut short", request{method: http.MethodDelete, path: "/api/1/plans/" + plan[:31]}, 404, "plan not found…"},
		{"an id with a blank", request{method: http.MethodDelete, path: "/api/1/executors/" + executor + "%20"}, 404, "executor not found…"},
		{"a deletion of nothing", request{method: http.MethodDelete, path: "/api/1/executors/" + none}, 404, "executor not found " + none},
		{"a halt of nothing", request{method: http.MethodPost, path: "/api/1/plans/" + none + "/halt"}, 404, "plan not found " + none},
		{"a plan that is put", request{method: http.MethodPut, path: "/api/1/plans/" + plan, body: good}, 405, "PUT is not possible here…"},
		{"an executor that is posted", request{method: http.MethodPost, path: "/api/1/executors/", body: "{}"}, 405, "POST is not possible here…"},
		{"all plans deleted", request{method: http.MethodDelete, path: "/api/1/plans/"}, 405, "DELETE is not possible here…"},
		{"an undo of nothing", get("/api/1/undos/" + executor + "-1"), 404, "undo record not found " + executor + "-1"},
		{"an undo that is none", get("/api/1/undos/" + executor), 404, "undo record not found " + executor},
		{"a retry of nothing", request{method: http.MethodPost, path: "/api/1/undos/" + executor + "-1/retry"}, 404, "undo record not found " + executor + "-1"},
		{"an abandonment of nothing", abandoning(executor+"-1", `{"reason":"r"}`), 404, "undo record not found " + executor + "-1"},
		{"an abandonment without a body", abandoning(executor+"-1", ""), 400, notJSON},
		{"an abandonment without a reason", abandoning(executor+"-1", "{}"), 400, "invalid payload 'reason' is a required property"},
		{"an abandonment with a blank for a reason", abandoning(executor+"-1", `{"reason":" "}`), 400, "invalid payload reason must say in words…"},
		{"an abandonment as a form", headed(abandoning(executor+"-1", "reason=r"), "Content-Type", "application/x-www-form-urlencoded"), 400, notJSON},
		{"an undo that is deleted", request{method: http.MethodDelete, path: "/api/1/undos/" + executor + "-1"}, 405, "DELETE is not possible here…"},
		{"an event id that is none", headed(get(path+"/log?follow=true"), "Last-Event-ID", "x"), 400, "the Last-Event-ID…"},
	}
}

func TestBadInput(t *testing.T) {
	t.Parallel()
	d := start(t)
	plan, executors := d.postPlan(t, good)
	var cases []badInput
	for _, part := range [][]badInput{badBodies, badPlans, badArgs, badQueries, badMoves(plan, executors[0])} {
		cases = append(cases, part...)
	}
	stored := d.stored(t)
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			checkProblem(t, d.send(t, c.request), c.status, c.msg)
			if now := d.stored(t); now != stored {
				t.Fatalf("something was stored or changed:\n%s\nbefore:\n%s", now, stored)
			}
		})
	}
	if len(cases) < 60 {
		t.Errorf("only %d cases", len(cases))
	}
	if log := d.stderr.String(); strings.Contains(log, "[ERROR]") {
		t.Error("bad input made the daemon log an error")
	}
	d.post(t, "/api/1/plans/", good, http.StatusOK) // what the cases changed was good
}

// stored is all that is stored, as the API shows it.
func (c client) stored(t testing.TB) string {
	t.Helper()
	plans := c.send(t, get("/api/1/plans/?all=true"))
	executors := c.send(t, get("/api/1/executors/?executed=true"))
	return string(plans.body) + string(executors.body)
}

// What is wrong is pointed at, so that a program can show it where it belongs.
func TestBadInputIsPointedAt(t *testing.T) {
	t.Parallel()
	d := start(t)
	for pointer, bad := range map[string]struct {
		request request
		keyword string
	}{
		"/attack/args/for":      {attacking(`{"ref":"e2e:Sleep","args":{"for":true}}`), "type"},
		"/planner/args/date":    {exactly(`"never"`), ""},
		"/attack/ref":           {attacking(`{"ref":"no:Such"}`), ""},
		"/planner/args/times":   {simply(`{"min_time":"10:00","max_time":"18:00","times":0}`), "minimum"},
		"/attack/args/endpoint": {calling(`{"endpoint":"ftp://localhost","method":"GET"}`), "pattern"},
		"/timezone":             {goodAnd(`"timezone":"X/Y"`), ""},
	} {
		doc := d.send(t, bad.request).doc(t)
		problems := doc.list("errors")
		if len(problems) == 0 || problems[0].text("pointer") != pointer || problems[0].text("keyword") != bad.keyword || problems[0].text("message") == "" {
			t.Errorf("%s: %v", pointer, doc)
		}
	}
}

// More plans at once than can be made are refused whole, with a word on when to
// come again.
func TestPlansAreRefusedWhenTooManyArePosted(t *testing.T) {
	t.Parallel()
	d := start(t)
	const posts = 200
	answers := make(chan answer, posts)
	for range posts {
		go func() {
			a, err := d.try(goodAnd(`"labels":{}`))
			if err != nil {
				a.body = fmt.Append(nil, err)
			}
			answers <- a
		}()
	}
	accepted := 0
	for range posts {
		select {
		case a := <-answers:
			switch {
			case a.status == http.StatusOK:
				accepted++
			case a.status != http.StatusServiceUnavailable || a.header.Get("Retry-After") == "":
				t.Errorf("status %d, Retry-After %q: %s", a.status, a.header.Get("Retry-After"), a.body)
			}
		case <-time.After(patience):
			t.Fatal("the answers don't come")
		}
	}
	if stored := len(d.get(t, "/api/1/plans/").list("plans")); stored != accepted || accepted == 0 {
		t.Errorf("%d plans are stored, %d were accepted", stored, accepted)
	}
}
