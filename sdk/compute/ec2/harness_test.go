package ec2

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/chaos-monkey-engine/cmed/sdk/compute"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

const (
	testKey    = "AKIDEXAMPLE"
	testSecret = "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY"
)

// quick are bounds for tests in which everything that can fail does.
var quick = bounds{
	attempt:     250 * time.Millisecond,
	call:        10 * time.Second,
	backoff:     2 * time.Millisecond,
	attempts:    2,
	credentials: 5 * time.Second,
	metadata:    2 * time.Second,
	minLook:     time.Millisecond,
	maxLook:     5 * time.Millisecond,
	idle:        time.Second,
	page:        1000,
}

// setEnv takes the machine's own AWS configuration out of a test, and sets what
// the test wants instead, as "NAME=value".
func setEnv(t *testing.T, set ...string) {
	t.Helper()
	for _, v := range os.Environ() {
		name, _, _ := strings.Cut(v, "=")
		if strings.HasPrefix(name, "AWS_") || strings.HasSuffix(strings.ToUpper(name), "_PROXY") {
			t.Setenv(name, "")
			os.Unsetenv(name)
		}
	}
	home := t.TempDir()
	t.Setenv("HOME", home)
	// The SDK has looked up the real one when the test began.
	t.Setenv("AWS_CONFIG_FILE", filepath.Join(home, ".aws", "config"))
	t.Setenv("AWS_SHARED_CREDENTIALS_FILE", filepath.Join(home, ".aws", "credentials"))
	t.Setenv("AWS_EC2_METADATA_DISABLED", "true")
	for _, v := range set {
		name, value, _ := strings.Cut(v, "=")
		t.Setenv(name, value)
	}
}

// writeProfile writes a file below ~/.aws.
func writeProfile(t *testing.T, name, content string) {
	t.Helper()
	dir := filepath.Join(os.Getenv("HOME"), ".aws")
	if err := os.MkdirAll(dir, 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(dir, name), []byte(content), 0o600); err != nil {
		t.Fatal(err)
	}
}

// serve starts an endpoint, and sets the environment so that it is EC2's.
func serve(t *testing.T, handler http.HandlerFunc) {
	t.Helper()
	server := httptest.NewServer(handler)
	t.Cleanup(server.Close)
	setEnv(t, "AWS_ENDPOINT_URL="+server.URL, "AWS_REGION=eu-west-1",
		"AWS_ACCESS_KEY_ID="+testKey, "AWS_SECRET_ACCESS_KEY="+testSecret)
}

// answering is an endpoint that gives one answer to everything.
func answering(status int, body string) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) {
		w.WriteHeader(status)
		fmt.Fprint(w, body)
	}
}

// hang gives no answer for as long as the client waits. That it has gone is seen
// only when all it sent was read.
func hang(_ http.ResponseWriter, r *http.Request) {
	_, _ = io.Copy(io.Discard, r.Body)
	<-r.Context().Done()
}

// refusal is an error answer of EC2.
func refusal(code, message string) string {
	return `<?xml version="1.0" encoding="UTF-8"?>
<Response><Errors><Error><Code>` + code + `</Code><Message>` + message + `</Message></Error></Errors><RequestID>59dbff89</RequestID></Response>`
}

func mustOpen(t *testing.T, b bounds) compute.Driver {
	t.Helper()
	d, err := open(t.Context(), compute.Options{}, b)
	if err != nil {
		t.Fatalf("open: %v", err)
	}
	return d
}

// wantError compares an error with its kind and with its text, in which %HOST% is
// the host of the environment's endpoint.
func wantError(t *testing.T, err, kind error, text string) {
	t.Helper()
	text = strings.ReplaceAll(text, "%HOST%", strings.TrimPrefix(os.Getenv("AWS_ENDPOINT_URL"), "http://"))
	if err == nil {
		t.Fatalf("no error, want: %s", text)
	}
	if err.Error() != text {
		t.Errorf("the error is\n %v\nwant\n %s", err, text)
	}
	if kind != nil && !errors.Is(err, kind) {
		t.Errorf("%v is not of the kind %q", err, kind)
	}
	var e *compute.Error
	if !errors.As(err, &e) || (kind == nil) != (e.Kind == nil) {
		t.Errorf("the error is %#v, want a *compute.Error of the kind %v", err, kind)
	}
	if strings.Contains(err.Error(), testSecret) {
		t.Errorf("the secret is in %q", err)
	}
}

// within fails a test that takes longer.
func within(t *testing.T, limit time.Duration, do func(ctx context.Context)) {
	t.Helper()
	start := time.Now()
	do(t.Context())
	if took := time.Since(start); took > limit {
		t.Errorf("it took %v, at most %v is allowed", took, limit)
	}
}
