package metrics

import (
	"context"
	"errors"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/hashicorp/go-hclog"
	"github.com/prometheus/client_golang/prometheus/testutil/promlint"
	"go.uber.org/goleak"

	"github.com/chaos-monkey-engine/cmed/internal/engine"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// source is an engine that tells what it is told.
type source func(ctx context.Context) (engine.Status, error)

func (s source) Status(ctx context.Context) (engine.Status, error) { return s(ctx) }

// telling returns a source with a fixed status.
func telling(status engine.Status) source {
	return func(context.Context) (engine.Status, error) { return status, nil }
}

// halted is a status in which every metric has a value of its own.
var halted = engine.Status{
	Lever: engine.LeverState{Lever: engine.Lever{Engaged: true}},
	Limits: []engine.LimitUse{
		{Name: "max-runs-per-ref", Limit: "none", Used: -1},
		{Name: "quiet", Limit: `Mon-Fri "late"`, Used: -1, Reached: true},
	},
	Live: 3,
	Undos: engine.UndoCounts{
		engine.RecordOpen: 4, engine.RecordUndoing: 5, engine.RecordUndone: 6,
		engine.RecordKept: 7, engine.RecordFailed: 8, engine.RecordAbandoned: 9,
	},
	Totals: engine.Totals{
		UndoAttempts: map[engine.Outcome]uint64{engine.OutcomeUndone: 10, engine.OutcomeRetry: 11},
		UndosFailed:  12, Halts: 13,
		LastHaltGone: 140 * time.Millisecond, LastHaltUndone: 1500 * time.Millisecond,
	},
}

// scrape has a handler answer one scrape.
func scrape(h http.Handler, accept string) *httptest.ResponseRecorder {
	r := httptest.NewRequest(http.MethodGet, "/metrics", nil)
	if accept != "" {
		r.Header.Set("Accept", accept)
	}
	w := httptest.NewRecorder()
	h.ServeHTTP(w, r)
	return w
}

// ours are the samples of an answer that are not of the runtime or the process.
func ours(body string) string {
	var lines []string
	for line := range strings.Lines(body) {
		if strings.HasPrefix(line, "cmed_") {
			lines = append(lines, line)
		}
	}
	return strings.Join(lines, "")
}

func TestScrape(t *testing.T) {
	w := scrape(NewHandler("1.2.3", telling(halted), hclog.NewNullLogger()), "")
	if w.Code != http.StatusOK || !strings.HasPrefix(w.Header().Get("Content-Type"), "text/plain; version=0.0.4") {
		t.Fatalf("status %d, content type %q: %s", w.Code, w.Header().Get("Content-Type"), w.Body)
	}
	const want = `cmed_build_info{version="1.2.3"} 1
cmed_halt_last_gone_seconds 0.14
cmed_halt_last_undone_seconds 1.5
cmed_halts_total 13
cmed_lever_engaged 1
cmed_limit_reached{limit="max-runs-per-ref"} 0
cmed_limit_reached{limit="quiet"} 1
cmed_runs_live 3
cmed_undo_attempts_total{outcome="failed"} 0
cmed_undo_attempts_total{outcome="not_mine"} 0
cmed_undo_attempts_total{outcome="nothing_to_do"} 0
cmed_undo_attempts_total{outcome="retry"} 11
cmed_undo_attempts_total{outcome="undone"} 10
cmed_undos{state="abandoned"} 9
cmed_undos{state="failed"} 8
cmed_undos{state="kept"} 7
cmed_undos{state="open"} 4
cmed_undos{state="undoing"} 5
cmed_undos{state="undone"} 6
cmed_undos_failed_total 12
`
	if got := ours(w.Body.String()); got != want {
		t.Errorf("got\n%swant\n%s", got, want)
	}
	for _, name := range []string{"go_goroutines", "process_start_time_seconds"} {
		if !strings.Contains(w.Body.String(), "\n"+name+" ") {
			t.Errorf("%s is not among the metrics", name)
		}
	}
}

func TestEverythingIsThereFromTheStart(t *testing.T) {
	w := scrape(NewHandler("", telling(engine.Status{}), hclog.NewNullLogger()), "")
	got := ours(w.Body.String())
	for _, want := range []string{
		"cmed_lever_engaged 0\n", "cmed_halts_total 0\n", "cmed_halt_last_gone_seconds 0\n", "cmed_runs_live 0\n",
		"cmed_undos{state=\"failed\"} 0\n", "cmed_undo_attempts_total{outcome=\"undone\"} 0\n", "cmed_undos_failed_total 0\n",
	} {
		if !strings.Contains(got, want) {
			t.Errorf("%q is missing in\n%s", want, got)
		}
	}
}

func TestNamesFollowTheRules(t *testing.T) {
	w := scrape(NewHandler("1.2.3", telling(halted), hclog.NewNullLogger()), "")
	problems, err := promlint.New(w.Body).Lint()
	if err != nil {
		t.Fatalf("not the text format: %v", err)
	}
	for _, p := range problems {
		t.Errorf("%s: %s", p.Metric, p.Text)
	}
}

func TestOpenMetrics(t *testing.T) {
	w := scrape(NewHandler("1.2.3", telling(halted), hclog.NewNullLogger()), "application/openmetrics-text; version=1.0.0")
	if !strings.HasPrefix(w.Header().Get("Content-Type"), "application/openmetrics-text") ||
		!strings.HasSuffix(w.Body.String(), "# EOF\n") {
		t.Errorf("content type %q", w.Header().Get("Content-Type"))
	}
}

func TestAStatusThatCannotBeReadFailsTheScrape(t *testing.T) {
	tests := []struct {
		name   string
		status source
		logged string
	}{
		{"an error", func(context.Context) (engine.Status, error) {
			return engine.Status{}, errors.New("open /secret/place: denied")
		}, "open /secret/place: denied"},
		{"a panic", func(context.Context) (engine.Status, error) { panic("cracked in /secret/place") }, "cracked in /secret/place"},
		{"an engine that takes too long", func(ctx context.Context) (engine.Status, error) {
			<-ctx.Done()
			return engine.Status{}, ctx.Err()
		}, context.DeadlineExceeded.Error()},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			var log strings.Builder
			logger := hclog.New(&hclog.LoggerOptions{Output: &log})
			w := scrape(newHandler("", tt.status, logger, bounds{time.Millisecond, time.Minute}), "")
			if w.Code != http.StatusInternalServerError || !strings.Contains(w.Body.String(), errStatus.Error()) {
				t.Errorf("status %d: %s", w.Code, w.Body)
			}
			if strings.Contains(w.Body.String(), "secret") {
				t.Errorf("the client is told %s", w.Body)
			}
			if !strings.Contains(log.String(), tt.logged) {
				t.Errorf("logged %s", log.String())
			}
		})
	}
}

// stuck is a source that heeds no deadline until the test ends. begun receives
// whenever it is asked.
func stuck(t *testing.T) (s source, begun <-chan struct{}) {
	t.Helper()
	asked, end := make(chan struct{}, 100), make(chan struct{})
	var asking sync.WaitGroup
	t.Cleanup(func() {
		close(end)
		asking.Wait()
	})
	asking.Add(1) // so that the wait can't be over before somebody asks
	t.Cleanup(asking.Done)
	return func(context.Context) (engine.Status, error) {
		asking.Add(1)
		defer asking.Done()
		asked <- struct{}{}
		<-end
		return engine.Status{}, nil
	}, asked
}

func TestAScrapeEndsThoughTheEngineHangs(t *testing.T) {
	s, _ := stuck(t)
	w := scrape(newHandler("", s, hclog.NewNullLogger(), bounds{time.Millisecond, 10 * time.Millisecond}), "")
	if w.Code != http.StatusServiceUnavailable {
		t.Errorf("status %d: %s", w.Code, w.Body)
	}
}

func TestScrapesDoNotPileUp(t *testing.T) {
	s, begun := stuck(t)
	h := newHandler("", s, hclog.NewNullLogger(), bounds{time.Millisecond, 100 * time.Millisecond})
	var waiting sync.WaitGroup
	defer waiting.Wait()
	for range maxScrapes {
		waiting.Go(func() { scrape(h, "") })
		<-begun
	}
	if w := scrape(h, ""); w.Code != http.StatusServiceUnavailable || !strings.Contains(w.Body.String(), "concurrent") {
		t.Errorf("status %d: %s", w.Code, w.Body)
	}
}
