package ec2

import (
	"bytes"
	"context"
	"errors"
	"io"
	"log"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/chaos-monkey-engine/cmed/sdk/compute"
)

const networkRemedy = "; check the network, the proxy settings, the region and, if it is set, AWS_ENDPOINT_URL"

const foreignRemedy = "; check AWS_ENDPOINT_URL and the proxy settings: something other than EC2 seems to answer"

const emptyList = `<DescribeInstancesResponse xmlns="http://ec2.amazonaws.com/doc/2016-11-15/"><reservationSet/></DescribeInstancesResponse>`

// Whatever an endpoint does, a call ends in bounded time with a text that says
// who was asked, what came back and what to do.
func TestEndpointsThatFail(t *testing.T) {
	halfway := func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Length", "5000")
		w.WriteHeader(http.StatusOK)
		w.Write([]byte(emptyList[:60]))
		w.(http.Flusher).Flush()
		hang(w, r)
	}
	drop := func(w http.ResponseWriter, _ *http.Request) {
		c, _, err := w.(http.Hijacker).Hijack()
		if err == nil {
			c.Close()
		}
	}
	tests := []struct {
		name    string
		handler http.HandlerFunc
		want    string
	}{
		{"hangs", hang, "no answer from %HOST%: it took too long (2 tries)" + networkRemedy},
		{"hangs in the middle of an answer", halfway, "no answer from %HOST%: it took too long (2 tries)" + networkRemedy},
		{"drops the connection", drop, "no answer from %HOST%: the connection was closed (2 tries)" + networkRemedy},
		{"answers nothing", answering(200, ""), "%HOST% gave an empty answer" + foreignRemedy},
		{"answers garbage", answering(200, "\x00\x01garbage"), "%HOST% gave an answer that is not XML" + foreignRemedy},
		{"answers a page", answering(200, "<!DOCTYPE html><html><body>Welcome<br></body></html>"), "%HOST% gave an answer that is not EC2's (<html>)" + foreignRemedy},
		{"answers another operation", answering(200, "<StopInstancesResponse></StopInstancesResponse>"), "%HOST% gave an answer that is not EC2's (<StopInstancesResponse>)" + foreignRemedy},
		{"cuts its answer", answering(200, emptyList[:110]), "no answer from %HOST%: the answer broke off: unexpected EOF (2 tries)" + networkRemedy},
		{"answers what can't be read", answering(200, strings.ReplaceAll(emptyList, "<reservationSet/>", "<reservationSet><item><instancesSet><item><launchTime>soon</launchTime></item></instancesSet></item></reservationSet>")), "%HOST% gave an answer that can't be read" + foreignRemedy},
		{"is a page with an error", answering(404, "<html><body>nginx</body></html>"), "%HOST% answered with HTTP status 404 and nothing of EC2's" + foreignRemedy},
		{"is a proxy without words", answering(502, ""), "%HOST% answered with HTTP status 502 and nothing of EC2's (2 tries)" + foreignRemedy},
		{"redirects", answering(301, ""), "%HOST% answered with HTTP status 301 and nothing of EC2's" + foreignRemedy},
	}
	for _, tt := range tests {
		t.Run("one that "+tt.name, func(t *testing.T) {
			serve(t, tt.handler)
			d := mustOpen(t, quick)
			within(t, 5*time.Second, func(ctx context.Context) {
				_, err := d.List(ctx, nil)
				wantError(t, err, compute.ErrUnreachable, "DescribeInstances: "+tt.want)
			})
		})
	}
}

// The SDK reads nothing of what a reboot is answered.
func TestARebootAnsweredByAPageIsNotDone(t *testing.T) {
	serve(t, answering(200, "<html></html>"))
	_, err := mustOpen(t, quick).Reboot(t.Context(), compute.Order{IDs: []string{"i-1"}})
	wantError(t, err, compute.ErrUnreachable, "RebootInstances: %HOST% gave an answer that is not EC2's (<html>)"+foreignRemedy)
}

func TestAnEndpointThatRefusesTheConnection(t *testing.T) {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	listener.Close()
	setEnv(t, "AWS_ENDPOINT_URL=http://user:hunter2@"+listener.Addr().String(), "AWS_REGION=eu-west-1",
		"AWS_ACCESS_KEY_ID="+testKey, "AWS_SECRET_ACCESS_KEY="+testSecret)
	_, err = mustOpen(t, quick).List(t.Context(), nil)
	host := listener.Addr().String()
	wantError(t, err, compute.ErrUnreachable,
		"DescribeInstances: no answer from "+host+": dial tcp "+host+": connect: connection refused (2 tries)"+networkRemedy)
}

func TestAnEndpointWithoutATrustedCertificate(t *testing.T) {
	server := httptest.NewUnstartedServer(answering(200, emptyList))
	server.Config.ErrorLog = log.New(io.Discard, "", 0) // the handshakes that fail
	server.StartTLS()
	t.Cleanup(server.Close)
	setEnv(t, "AWS_ENDPOINT_URL="+server.URL, "AWS_REGION=eu-west-1",
		"AWS_ACCESS_KEY_ID="+testKey, "AWS_SECRET_ACCESS_KEY="+testSecret)
	_, err := mustOpen(t, quick).List(t.Context(), nil)
	host := strings.TrimPrefix(server.URL, "https://")
	wantError(t, err, compute.ErrUnreachable, "DescribeInstances: "+host+
		" can't be trusted: tls: failed to verify certificate: x509: certificate signed by unknown authority"+
		"; if its certificate is signed by an authority of your own, set AWS_CA_BUNDLE in the daemon's environment, of which the attack sees what --plugin-env grants (by default all that it asks for)")
}

// The bound of a call holds whatever its attempts are allowed.
func TestACallIsBoundedAsAWhole(t *testing.T) {
	serve(t, hang)
	b := quick
	b.attempt, b.call = time.Minute, 200*time.Millisecond
	within(t, 5*time.Second, func(ctx context.Context) {
		_, err := mustOpen(t, b).List(ctx, nil)
		wantError(t, err, compute.ErrUnreachable, "DescribeInstances: %HOST% gave no answer within 200ms"+networkRemedy)
	})
}

func TestWhatEndsACallIsInItsError(t *testing.T) {
	ctx, cancel := context.WithCancelCause(t.Context())
	halted := errors.New("halted by the operator")
	serve(t, func(w http.ResponseWriter, r *http.Request) {
		cancel(halted)
		hang(w, r)
	})
	_, err := mustOpen(t, usual).List(ctx, nil)
	wantError(t, err, nil, "DescribeInstances: ended without an answer of %HOST%: halted by the operator")
	if !errors.Is(err, halted) {
		t.Errorf("%v doesn't wrap its cause", err)
	}
}

// An answer that was lost is asked for again, a refusal isn't.
func TestWhatIsTriedAgain(t *testing.T) {
	tests := []struct {
		name   string
		status int
		body   string
		calls  int64
	}{
		{"EC2 has a problem", 500, refusal("InternalError", "An internal error has occurred"), 3},
		{"EC2 asks to slow down", 503, refusal("RequestLimitExceeded", "Request limit exceeded."), 3},
		{"EC2 refuses", 403, refusal("UnauthorizedOperation", "You are not authorized."), 1},
		{"it isn't EC2", 200, "<html></html>", 1},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			var calls atomic.Int64
			serve(t, func(w http.ResponseWriter, r *http.Request) {
				if calls.Add(1) == 3 {
					answering(200, emptyList)(w, r)
					return
				}
				answering(tt.status, tt.body)(w, r)
			})
			t.Setenv("AWS_MAX_ATTEMPTS", "3")
			_, err := mustOpen(t, quick).List(t.Context(), nil)
			if (err == nil) != (tt.calls == 3) {
				t.Errorf("the error is %v", err)
			}
			if calls.Load() != tt.calls {
				t.Errorf("%d calls came, want %d", calls.Load(), tt.calls)
			}
		})
	}
}

// Retries are logged, with what was wrong and without secrets.
func TestRetriesAreLogged(t *testing.T) {
	serve(t, answering(500, refusal("InternalError", "It broke over "+testSecret)))
	var text bytes.Buffer
	d, err := open(t.Context(), compute.Options{Log: slog.New(slog.NewTextHandler(&text, nil))}, quick)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := d.List(t.Context(), nil); !errors.Is(err, compute.ErrUnreachable) {
		t.Errorf("the error is %v", err)
	}
	_, host, _ := strings.Cut(os.Getenv("AWS_ENDPOINT_URL"), "//")
	want := ` level=INFO msg="trying again" operation=DescribeInstances endpoint=` + host + ` attempt=2 code=InternalError reason="It broke over (hidden)"` + "\n"
	if got := text.String(); !strings.HasSuffix(got, want) || strings.Count(got, "\n") != 1 {
		t.Errorf("the log is\n%s\nwant\n%s", got, want)
	}
}

func TestAHostThatDoesNotExist(t *testing.T) {
	a := &attempts{operation: describe, host: "ec2.mars-1.amazonaws.com"}
	err := a.explained(&url.Error{Op: "Post", URL: "https://ec2.mars-1.amazonaws.com/", Err: &net.DNSError{
		Err: "no such host", Name: "ec2.mars-1.amazonaws.com", IsNotFound: true,
	}})
	wantError(t, err, compute.ErrUnreachable, "DescribeInstances: there is no host ec2.mars-1.amazonaws.com; check the name of the region, and AWS_ENDPOINT_URL if it is set")
}

func TestAnAnswerIsBounded(t *testing.T) {
	for length, want := range map[int]string{10: "", 11: "an answer of more than 10 bytes"} {
		read, err := readAnswer(strings.NewReader(strings.Repeat("x", length)), 10)
		if want == "" && (err != nil || len(read) != length) {
			t.Errorf("of %d bytes %d were read, %v", length, len(read), err)
		}
		if want != "" && (err == nil || err.Error() != want) {
			t.Errorf("%d bytes: the error is %v, want %s", length, err, want)
		}
	}
}

// Whoever waits no longer than so long learns who gave no answer.
func TestANearDeadlineLeavesTimeForWords(t *testing.T) {
	serve(t, hang)
	b := quick
	b.attempt = 10 * time.Second
	d := mustOpen(t, b)
	ctx, cancel := context.WithTimeoutCause(t.Context(), 1500*time.Millisecond, errors.New("the preview is over"))
	defer cancel()
	_, err := d.List(ctx, nil)
	wantError(t, err, compute.ErrUnreachable, "DescribeInstances: %HOST% gave no answer within 1.2s"+networkRemedy)
	if ctx.Err() != nil {
		t.Error("the words came too late")
	}
}
