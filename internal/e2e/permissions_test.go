package e2e

import (
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"
)

// permitted is a request, the role it needs, and what it is answered with then.
type permitted struct {
	need   string
	status int
	request
}

// permissions are all operations that need a role. Those that would change
// something name what is not there, where they can: then 404 says that the caller
// was let in.
func permissions() []permitted {
	nobody := strings.Repeat("0", 32)
	list := []permitted{
		{"operator", 200, request{method: "POST", path: "/api/1/plans/", body: sleepPlan(tomorrow())}},
		{"operator", 200, request{method: "POST", path: "/api/1/plans/?dry_run=true", body: sleepPlan(tomorrow())}},
		{"operator", 404, request{method: "POST", path: "/api/1/plans/" + nobody + "/halt"}},
		{"operator", 404, request{method: "PUT", path: "/api/1/executors/" + nobody, body: trigger("2031-10-23")}},
		{"operator", 404, request{method: "POST", path: "/api/1/executors/" + nobody + "/halt"}},
		{"operator", 404, request{method: "POST", path: undosPath + nobody + "-1/retry"}},
		{"operator", 200, request{method: "PUT", path: leverPath, body: map[string]any{"reason": "a drill"}}},
		{"admin", 200, request{method: "DELETE", path: leverPath}},
		{"admin", 404, request{method: "DELETE", path: "/api/1/plans/" + nobody}},
		{"admin", 404, request{method: "DELETE", path: "/api/1/executors/" + nobody}},
		{"admin", 404, abandoning(nobody+"-1", `{"reason":"r"}`)},
		{"admin", 200, request{method: "POST", path: "/api/1/plugins/rescan"}},
		{"admin", 400, request{method: "POST", path: "/api/1/keys/", body: map[string]any{"name": "", "role": "admin"}}},
		{"admin", 404, request{method: "DELETE", path: "/api/1/keys/" + nobody[:12]}},
		{"admin", 200, get("/api/1/keys/")},
		{"admin", 404, get("/api/1/keys/" + nobody[:12])},
		{"admin", 200, get("/api/1/audit/")},
		{"admin", 200, get("/api/1/audit/verify")},
		{"admin", 200, get("/api/1/backup")},
	}
	for _, path := range []string{
		"/", "/api/1/", "/api/1/attacks/", "/api/1/planners/", "/api/1/plugins/", "/api/1/plans/", "/api/1/executors/",
		undosPath, leverPath, "/api/1/status", "/api/1/me", "/metrics", "/api/1/events/?follow=false",
		"/api/1/attacks/e2e:Sleep", "/api/1/planners/exact_planner:ExactPlanner",
	} {
		list = append(list, permitted{"viewer", 200, get(path)})
	}
	for _, path := range []string{"plans/" + nobody, "executors/" + nobody, "executors/" + nobody + "/log", "undos/" + nobody + "-1"} {
		list = append(list, permitted{"viewer", 404, get("/api/1/" + path)})
	}
	return list
}

var ranks = map[string]int{"viewer": 1, "operator": 2, "admin": 3}

// Each role does what it may, and is told which one may when it does not. What was
// refused has changed nothing.
func TestRoles(t *testing.T) {
	t.Parallel()
	d := start(t)
	admin := d.makeKey(t, "admin", "admin")
	for _, role := range []string{"viewer", "operator", "admin"} {
		caller := d.as(d.makeKey(t, "the "+role, role).Key)
		for _, p := range permissions() {
			t.Run(fmt.Sprint(role, " ", p.method, " ", p.path), func(t *testing.T) {
				if ranks[role] >= ranks[p.need] {
					if a := caller.send(t, p.request); a.status != p.status {
						t.Errorf("status %d, want %d: %.300s", a.status, p.status, a.body)
					}
					return
				}
				before := d.as(admin.Key).stored(t) + string(d.as(admin.Key).send(t, get(leverPath)).body)
				caller.refused(t, p.request, http.StatusForbidden,
					fmt.Sprintf("this needs the role %s; the key %q has the role %s", p.need, "the "+role, role))
				if after := d.as(admin.Key).stored(t) + string(d.as(admin.Key).send(t, get(leverPath)).body); after != before {
					t.Errorf("something was changed:\n%s\nbefore:\n%s", after, before)
				}
			})
		}
	}
	viewer := []string{"CMED_SERVER=" + d.base, "CMED_KEY=" + d.makeKey(t, "ann", "viewer").Key}
	says(t, "cmed halt of a viewer", d.cmedWith(t, 1, viewer, "halt").err, `this needs the role operator; the key "ann" has the role viewer`, "--key-file FILE")
	d.cmedWith(t, 0, viewer, "status")
}

// A key's limits bind what it plans, moves and halts; neither what it reads nor
// the lever.
func TestLimitsOfAKey(t *testing.T) {
	t.Parallel()
	d := start(t)
	boss := d.as(d.makeKey(t, "boss", "admin").Key)
	shop := map[string]any{"labels": map[string]string{"team": "shop"}}
	sleeper := d.as(d.makeKey(t, "sleeper", "operator", "--ref", "e2e:Sl*").Key)
	shopper := d.as(d.makeKey(t, "shopper", "operator", "--label", "team=shop").Key)
	counting := planBody("e2e:Count", args{"file": "/dev/null"}, tomorrow())
	others, executors := boss.postPlan(t, counting)
	const (
		notThat  = `the key "sleeper" is limited to the attacks e2e:Sl*, and this is e2e:Count`
		notTheir = `the key "shopper" is limited to plans with the label team="shop"`
	)
	for name, c := range map[string]struct {
		caller client
		own    map[string]any
		msg    string
	}{"a ref": {sleeper, sleepPlan(tomorrow()), notThat}, "a label": {shopper, with(counting, shop), notTheir}} {
		t.Run(name, func(t *testing.T) {
			for _, r := range []request{
				{method: http.MethodPost, path: "/api/1/plans/", body: counting},
				{method: http.MethodPost, path: "/api/1/plans/?dry_run=true", body: counting},
				{method: http.MethodPost, path: "/api/1/plans/" + others + "/halt"},
				{method: http.MethodPut, path: "/api/1/executors/" + executors[0], body: trigger(date(time.Now()))},
				{method: http.MethodPost, path: "/api/1/executors/" + executors[0] + "/halt"},
			} {
				c.caller.refused(t, r, http.StatusForbidden, c.msg)
			}
			if e := c.caller.executor(t, executors[0]); e.State != "scheduled" {
				t.Errorf("the one that is not theirs is %s", e.State)
			}
			_, own := c.caller.postPlan(t, c.own)
			c.caller.move(t, own[0], tomorrow().Add(time.Hour))
			c.caller.halt(t, own[0])
			c.caller.engage(t, "", "a drill")
			boss.delete(t, leverPath, http.StatusOK)
		})
	}
}

// Who tries keys is slowed down and put on record, rarely; who has one is not
// kept out meanwhile.
func TestGuessingKeysIsSlow(t *testing.T) {
	t.Parallel()
	d := start(t, withoutPlugins())
	boss := d.as(d.makeKey(t, "boss", "admin").Key)
	guesser := d.as(strangersKey)
	slowed := 0
	for range 30 {
		a := guesser.send(t, get("/api/1/me"))
		if a.status == http.StatusTooManyRequests {
			slowed++
			if a.header.Get("Retry-After") == "" {
				t.Error("it is not said when to come again")
			}
		} else if a.status != http.StatusUnauthorized {
			t.Fatalf("status %d: %s", a.status, a.body)
		}
		boss.get(t, "/api/1/me")
	}
	if slowed < 10 || slowed > 20 { // one more is let through every 6 s
		t.Errorf("%d of 30 were slowed down", slowed)
	}
	logins := 0
	for _, e := range boss.get(t, "/api/1/audit/").list("entries") {
		if e.text("action") == "login" {
			logins++
		}
	}
	if logins < 1 || logins > 3 {
		t.Errorf("%d entries are about 30 wrong keys", logins)
	}
}
