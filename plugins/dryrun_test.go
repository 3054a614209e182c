package plugins_test

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/chaos-monkey-engine/cmed/sdk/pluginv1"
)

func TestAPIRequestDryRun(t *testing.T) {
	server := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		t.Errorf("a dry run sent %s %s", r.Method, r.URL)
	}))
	t.Cleanup(server.Close)
	got := outcomeOf(t, startAPIRequest(t, `{"endpoint": "`+server.URL+`/flush?zone=eu", "method": "post",
		"payload": {"zone": "hidden payload"}, "headers": {"Authorization": "Bearer hidden-token"}}`, true))
	want := `{"dry_run":true,"method":"POST","url":"` + server.URL + `/flush?zone=eu",` +
		`"headers":["Authorization","Content-Type","Idempotency-Key","User-Agent"],"body_bytes":19}`
	if got.failure != nil || got.document != want || got.target != server.Listener.Addr().String() {
		t.Errorf("failure %v, target %s, result\n%s\nwant\n%s", got.failure, got.target, got.document, want)
	}
	if !strings.Contains(got.log, "dry run: the request is not sent") || strings.Contains(got.log+got.document, "hidden") {
		t.Errorf("log %s", got.log)
	}
}

// What would fail before anything is sent fails in a dry run too.
func TestAPIRequestDryRunFindsFaults(t *testing.T) {
	for args, pointer := range map[string]string{
		`{"endpoint": "no URL", "method": "GET"}`:                                                     "/args/endpoint",
		`{"endpoint": "http://a", "method": "POST", "payload": [1]}`:                                  "/args/payload",
		`{"endpoint": "http://a", "method": "GET", "tls": {"ca_pem": "-----BEGIN CERTIFICATE-----"}}`: "/args/tls/ca_pem",
	} {
		got := outcomeOf(t, startAPIRequest(t, args, true))
		if got.failure.GetPointer() != pointer || got.document != "" {
			t.Errorf("%s: failure %v, result %s", args, got.failure, got.document)
		}
	}
}

func TestAPIRequestTargets(t *testing.T) {
	plugin := start(t, "api_request")
	const endpoint = "https://shop.example:8443/cache?zone=eu"
	response, err := plugin.Targets(t.Context(), &pluginv1.TargetsRequest{
		Ref: "api_request:ApiRequest", Config: apiRequestConfig(`{"endpoint": "` + endpoint + `", "method": "GET"}`), Zone: "UTC",
	})
	if err != nil {
		t.Fatal(err)
	}
	targets := response.GetTargets()
	if len(targets) != 1 || targets[0].GetId() != "shop.example:8443" || targets[0].GetName() != endpoint || targets[0].GetState() != "selected" {
		t.Errorf("targets %v, failure %v", targets, response.GetFailure())
	}
	response, err = plugin.Targets(t.Context(), &pluginv1.TargetsRequest{
		Ref: "api_request:ApiRequest", Config: apiRequestConfig(`{"endpoint": "shop", "method": "GET"}`),
	})
	if err != nil || response.GetFailure().GetPointer() != "/args/endpoint" {
		t.Errorf("an endpoint that is none: %v, %v", response, err)
	}
}
