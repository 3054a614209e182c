package httpapi

import (
	"encoding/json"
	"net/http"
	"strings"
	"testing"

	"github.com/chaos-monkey-engine/cmed/internal/access"
)

// TestSecretsStayInside shows and makes keys in every way that may go wrong, and
// looks for them wherever something is written down.
func TestSecretsStayInside(t *testing.T) {
	const password = "hunter2-in-the-plan"
	g := newGate(t, believingLoopback)
	_, admin := g.key(access.NewKey{Name: "ana", Role: access.Admin})
	_, viewer := g.key(access.NewKey{Name: "vera", Role: access.Viewer})
	stranger := "cmed_abcdefabcdef_" + strings.Repeat("Zq", 21) + "Z"
	secrets := []string{admin, viewer, stranger, password, g.expired(), g.revoked()}
	answers := map[string]string{}
	ask := func(what string, c call) answer {
		a := g.do(g.elsewhere(c))
		answers[what] = string(a.body)
		for name, values := range a.header {
			answers[what] += name + strings.Join(values, ",")
		}
		return a
	}
	made := g.do(sendJSON(http.MethodPost, "/api/1/keys/", `{"name":"new","role":"operator","ttl":"30d","limits":{"refs":["a:*"]}}`).bearing(admin)).
		is(http.StatusCreated)
	fresh := made.at("key").(string)
	secrets = append(secrets, fresh)

	plan := `{"name":"n","attack":{"ref":"a:A","args":{"password":"` + password + `"}},"planner":{"ref":"p:P"}`
	for _, secret := range secrets {
		ask("a read", get("/api/1/plans/").bearing(secret))
		ask("a write", sendJSON(http.MethodPost, "/api/1/plans/", plan+"}").bearing(secret))
		ask("a broken write", sendJSON(http.MethodPost, "/api/1/plans/", plan+`,"timeout":"x"}`).bearing(secret))
		ask("a cut write", sendJSON(http.MethodPost, "/api/1/plans/", plan).bearing(secret))
		ask("no bearer", get("/api/1/me").with("Authorization", "Basic "+secret))
		ask("two keys", get("/api/1/me").bearing(secret).bearing(secret))
		ask("a key and more", get("/api/1/me").bearing(secret+" "+secret))
		ask("me", get("/api/1/me").bearing(secret))
		ask("the keys", get("/api/1/keys/").bearing(secret))
		ask("a key for an id", call{method: http.MethodDelete, target: "/api/1/keys/" + secret}.bearing(admin)).is(http.StatusNotFound)
		ask("a key for a key", get("/api/1/keys/"+secret).bearing(admin)).is(http.StatusNotFound)
		ask("an unknown member", sendJSON(http.MethodPost, "/api/1/keys/", `{"name":"n","role":"viewer","secret":"`+secret+`"}`).bearing(admin)).
			is(http.StatusBadRequest)
	}
	g.engine.fail["CreatePlan"] = errNotReady
	ask("a failure", sendJSON(http.MethodPost, "/api/1/plans/", plan+"}").bearing(admin)).is(http.StatusInsufficientStorage)
	g.engine.executors, g.engine.fail["Executor"] = nil, nil
	ask("a list of the keys", get("/api/1/keys/").bearing(admin)).is(http.StatusOK)
	ask("the audit", get("/api/1/audit/").bearing(admin)).is(http.StatusOK)

	record, err := json.Marshal(g.entries())
	if err != nil {
		t.Fatal(err)
	}
	places := map[string]string{"the log": g.log.String(), "the audit": string(record)}
	for what, body := range answers {
		places["the answer to "+what] = body
	}
	if len(g.entries()) < 20 || len(g.log.String()) < 1000 {
		t.Fatal("there is nothing to look through")
	}
	for _, secret := range secrets {
		for place, text := range places {
			if strings.Contains(text, secret) || strings.Contains(text, secret[len(secret)/2:]) {
				t.Errorf("%s holds %q", place, secret)
			}
		}
	}
	if strings.Contains(places["the answer to a list of the keys"], "hash") {
		t.Error("hashes are shown")
	}
}
