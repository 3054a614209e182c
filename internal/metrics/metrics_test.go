package metrics

import (
	"context"
	"errors"
	"net/http"
	"net/http/httptest"
	"os"
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

func (s source) Plugins() []engine.PluginFile {
	return []engine.PluginFile{
		{Kind: engine.KindAttack, Path: "a", State: engine.PluginReady},
		{Kind: engine.KindAttack, Path: "b", State: engine.PluginReady},
		{Kind: engine.KindPlanner, Path: "c", State: engine.PluginBroken},
	}
}

// telling returns a source with a fixed status.
func telling(status engine.Status) source {
	return func(context.Context) (engine.Status, error) { return status, nil }
}

// handler answers scrapes with an engine alone.
func handler(from source, log hclog.Logger, limit bounds) http.Handler {
	m := New("1.2.3", log)
	m.limit = limit
	return m.Handler(Sources{Engine: from})
}

// halted is a status in which every metric has a value of its own.
var halted = engine.Status{
	Lever: engine.LeverState{Lever: engine.Lever{Engaged: true}},
	Limits: []engine.LimitUse{
		{Name: "max-runs-per-ref", Limit: "none", Used: -1},
		{Name: "quiet", Limit: `Mon-Fri "late"`, Used: -1, Reached: true},
	},
	Live:      3,
	Executors: map[engine.State]int{engine.Scheduled: 20, engine.Succeeded: 21},
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

// patient are bounds that no test reaches.
var patient = bounds{time.Minute, time.Minute}

// busy is metrics of a daemon in which everything has happened, and its handler.
func busy(t *testing.T) http.Handler {
	t.Helper()
	m := New("1.2.3", hclog.NewNullLogger())
	begun := time.Date(2026, 11, 21, 2, 0, 0, 0, time.UTC)
	tell := func(state engine.State, ref engine.Ref, ran bool, lag time.Duration) {
		ex := engine.Executor{AttackRef: ref, State: state, Lag: lag, Finished: begun.Add(2 * time.Second)}
		if ran {
			ex.Started = begun
		}
		m.Changed(engine.Change{Type: "executor." + string(state), Executor: &ex})
	}
	tell(engine.Scheduled, "a:A", false, -1)
	tell(engine.Running, "a:A", true, 3*time.Millisecond)
	tell(engine.Running, "a:A", true, -1) // not known
	tell(engine.Succeeded, "a:A", true, 3*time.Millisecond)
	tell(engine.Failed, "a:A", false, -1) // its process could not be started
	tell(engine.Lost, "a:A", true, -1)
	tell(engine.Missed, "b:B", false, -1)
	m.Changed(engine.Change{Type: "executor.deleted", Executor: &engine.Executor{State: engine.Succeeded}})
	m.Changed(engine.Change{Type: "executor.moved", Executor: &engine.Executor{State: engine.Scheduled}})
	m.Changed(engine.Change{Type: "lever.engaged", Lever: &engine.LeverState{}})
	m.Request("/api/1/plans/", http.MethodPost, http.StatusOK, 20*time.Millisecond)
	m.Request("", "OTHER", http.StatusNotFound, time.Millisecond)
	m.Committed(2 * time.Millisecond)
	m.Audited(nil)
	m.Audited(nil)
	m.Audited(errors.New("disk gone"))
	return m.Handler(Sources{
		Engine:    telling(halted),
		Processes: func() int { return 30 },
		Store: func(context.Context) (Store, error) {
			return Store{Size: 31, Free: 32, DiskFree: 33, Writable: true}, nil
		},
		Readers: func() Readers { return Readers{Now: 34, Behind: 35, Stuck: 36, Events: 37} },
	})
}

func TestScrape(t *testing.T) {
	w := scrape(busy(t), "")
	if w.Code != http.StatusOK || !strings.HasPrefix(w.Header().Get("Content-Type"), "text/plain; version=0.0.4") {
		t.Fatalf("status %d, content type %q: %s", w.Code, w.Header().Get("Content-Type"), w.Body)
	}
	golden, err := os.ReadFile("testdata/scrape.txt")
	if err != nil {
		t.Fatal(err)
	}
	if got := ours(w.Body.String()); got != string(golden) {
		t.Errorf("got\n%swant\n%s", got, golden)
	}
	for _, name := range []string{"go_goroutines", "process_start_time_seconds"} {
		if !strings.Contains(w.Body.String(), "\n"+name+" ") {
			t.Errorf("%s is not among the metrics", name)
		}
	}
}

func TestEverythingIsThereFromTheStart(t *testing.T) {
	w := scrape(handler(telling(engine.Status{}), hclog.NewNullLogger(), patient), "")
	got := ours(w.Body.String())
	for _, want := range []string{
		"cmed_lever_engaged 0\n", "cmed_halts_total 0\n", "cmed_halt_last_gone_seconds 0\n", "cmed_runs_live 0\n",
		"cmed_undos{state=\"failed\"} 0\n", "cmed_undo_attempts_total{outcome=\"undone\"} 0\n", "cmed_undos_failed_total 0\n",
		"cmed_executors{state=\"missed\"} 0\n", "cmed_executors_ended_total{state=\"missed\"} 0\n",
		"cmed_plugins{kind=\"attack\",state=\"broken\"} 0\n", "cmed_audit_failures_total 0\n", "cmed_fire_lag_seconds_count 0\n",
	} {
		if !strings.Contains(got, want) {
			t.Errorf("%q is missing in\n%s", want, got)
		}
	}
}

func TestAStoreThatCannotBeAskedLeavesTheRest(t *testing.T) {
	var log strings.Builder
	m := New("", hclog.New(&hclog.LoggerOptions{Output: &log}))
	w := scrape(m.Handler(Sources{
		Engine: telling(halted),
		Store:  func(context.Context) (Store, error) { return Store{}, errors.New("disk gone") },
	}), "")
	if got := w.Body.String(); w.Code != http.StatusOK || strings.Contains(got, "cmed_store_size") ||
		!strings.Contains(got, "cmed_store_writable 0\n") || !strings.Contains(got, "cmed_lever_engaged 1\n") {
		t.Errorf("status %d: %s", w.Code, got)
	}
	if !strings.Contains(log.String(), "disk gone") {
		t.Errorf("logged %s", log.String())
	}
}

func TestNamesFollowTheRules(t *testing.T) {
	problems, err := promlint.New(scrape(busy(t), "").Body).Lint()
	if err != nil {
		t.Fatalf("not the text format: %v", err)
	}
	for _, p := range problems {
		t.Errorf("%s: %s", p.Metric, p.Text)
	}
}

func TestOpenMetrics(t *testing.T) {
	w := scrape(busy(t), "application/openmetrics-text; version=1.0.0")
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
			w := scrape(handler(tt.status, logger, bounds{time.Millisecond, time.Minute}), "")
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
	w := scrape(handler(s, hclog.NewNullLogger(), bounds{time.Millisecond, 10 * time.Millisecond}), "")
	if w.Code != http.StatusServiceUnavailable {
		t.Errorf("status %d: %s", w.Code, w.Body)
	}
}

func TestScrapesDoNotPileUp(t *testing.T) {
	s, begun := stuck(t)
	h := handler(s, hclog.NewNullLogger(), bounds{time.Millisecond, 100 * time.Millisecond})
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
