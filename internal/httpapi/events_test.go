package httpapi

import (
	"context"
	"encoding/json"
	"errors"
	"io"
	"math/rand/v2"
	"net"
	"net/http"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/chaos-monkey-engine/cmed/internal/engine"
)

// encoded is a document as it is sent.
func encoded(t *testing.T, doc any) string {
	t.Helper()
	b, err := encode(doc)
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

func TestAnEventIsTheDocumentOfWhatChanged(t *testing.T) {
	f := newFake(t)
	s, addr := serveLoopback(t, Config{}, f)
	l := listen(t, addr, "", "").opened()
	if got := l.res.Header.Get("Content-Type"); got != "text/event-stream" {
		t.Errorf("content type %q", got)
	}
	at := time.Date(2026, 11, 21, 2, 0, 0, 0, time.UTC)
	undo := engine.UndoRecord{UndoID: engine.UndoID{Executor: execB, Sequence: 1}, Plan: planA, State: engine.RecordFailed, Record: []byte(`"secret"`)}
	lever := engine.LeverState{Lever: engine.Lever{Engaged: true, By: "me"}}
	file := engine.PluginFile{Kind: engine.KindAttack, Path: "x", State: engine.PluginGone}
	for _, test := range []struct {
		change engine.Change
		member string
		doc    string
	}{
		{engine.Change{Type: "plan.created", Plan: &f.plans[0]}, "plan", encoded(t, newPlanDocument(f.plans[0], f.zone))},
		{engine.Change{Type: "executor.succeeded", Executor: &f.executors[0]}, "executor", string(appendExecutor(nil, &f.executors[0], f.zone, nil))},
		{engine.Change{Type: "undo.failed", Undo: &undo}, "undo", string(appendUndo(nil, &undo, f.zone, nil))},
		{engine.Change{Type: "lever.engaged", Lever: &lever}, "lever", encoded(t, newLeverDocument(lever, f.zone))},
		{
			engine.Change{Type: "plugin.gone", Plugin: &file},
			"plugin",
			`{"kind":"attack","path":"x","sha256":"","refs":[],"state":"gone","error":null}`,
		},
	} {
		test.change.At = at
		s.Publish(test.change)
		e := l.next()
		if e.kind != test.change.Type || e.doc(t, "type") != `"`+e.kind+`"` || e.doc(t, "at") != `"2026-11-21T03:00:00+01:00"` {
			t.Errorf("got %+v", e)
		}
		if got := e.doc(t, test.member); got != test.doc {
			t.Errorf("%s: got\n%s\nwant\n%s", e.kind, got, test.doc)
		}
		if !json.Valid([]byte(e.data)) || strings.Contains(e.data, "secret") {
			t.Errorf("data %s", e.data)
		}
	}
}

// A client that loses its connection again and again while events come gets each
// of them, once, in order.
func TestALostConnectionLosesNothing(t *testing.T) {
	s, addr := serveLoopback(t, Config{}, newFake(t))
	const all = 3000
	random := rand.New(rand.NewPCG(5, 6))
	l := listen(t, addr, "", "").opened()
	var publishing sync.WaitGroup
	defer publishing.Wait()
	publishing.Go(func() {
		for n := range all {
			s.Publish(executorChange(n))
		}
	})
	cuts := 0
	for n, left := 0, 0; n < all; n++ {
		if left--; left == 0 {
			l.cut()
			l = listen(t, addr, "", l.last)
			cuts++
		}
		if left <= 0 {
			left = 1 + random.IntN(200)
		}
		if got := numberOf(t, l.next()); got != n {
			t.Fatalf("event %d came when %d was next, after %d lost connections", got, n, cuts)
		}
	}
	if cuts < 5 {
		t.Errorf("only %d connections were lost", cuts)
	}
}

func TestAClientThatLosesItsConnectionBeforeTheFirstEvent(t *testing.T) {
	s, addr := serveLoopback(t, Config{}, newFake(t))
	l := listen(t, addr, "", "").opened()
	l.cut()
	s.Publish(executorChange(7))
	if got := numberOf(t, listen(t, addr, "", l.last).next()); got != 7 {
		t.Errorf("got event %d", got)
	}
	// And one that can't set headers.
	if got := numberOf(t, listen(t, addr, "?after="+l.last, "").next()); got != 7 {
		t.Errorf("got event %d", got)
	}
}

func TestWhereAClientCannotGoOnItIsReset(t *testing.T) {
	f := newFake(t)
	s, addr := serveLoopback(t, Config{Events: EventsConfig{Kept: 10_000}}, f)
	first := listen(t, addr, "", "").opened()
	earlier, _ := serveLoopback(t, Config{}, f)
	for n := range 100 {
		s.Publish(executorChange(n))
		earlier.Publish(executorChange(n))
	}
	epoch, _, _ := strings.Cut(first.last, "-")
	for name, id := range map[string]string{
		"too old":              first.last,
		"of an earlier daemon": earlier.feed.id(50),
		"of the future":        epoch + "-9999",
		"no number":            epoch + "-x",
		"no id at all":         "17",
		"very long":            strings.Repeat("9", 5000),
	} {
		t.Run(name, func(t *testing.T) {
			l := listen(t, addr, "", id)
			e := l.next()
			if e.kind != "reset" || e.doc(t, "type") != `"reset"` || !strings.Contains(e.doc(t, "msg"), "read the lists anew") {
				t.Fatalf("begins with %+v", e)
			}
			if e.id != s.feed.id(s.EventReaders().Published) {
				t.Errorf("goes on after %s", e.id)
			}
			n := int(s.EventReaders().Published)
			s.Publish(executorChange(n))
			if got := numberOf(t, l.next()); got != n {
				t.Errorf("then comes %d, want %d", got, n)
			}
		})
	}
}

func TestWhatIsKeptCanBeReadWithoutWaiting(t *testing.T) {
	s, addr := serveLoopback(t, Config{Events: EventsConfig{Kept: 10_000}}, newFake(t))
	const all = 100
	for n := range all {
		s.Publish(executorChange(n))
	}
	events, err := listen(t, addr, "?follow=false", "").rest()
	if err != nil || len(events) < 5 || len(events) == all {
		t.Fatalf("%d events, %v", len(events), err)
	}
	for i, e := range events {
		if got := numberOf(t, e); got != all-len(events)+i {
			t.Fatalf("event %d of %d is %d", i, len(events), got)
		}
	}
	after := events[len(events)-3].id
	if events, err = listen(t, addr, "?follow=no&after="+after, "").rest(); err != nil || len(events) != 2 {
		t.Errorf("after the third last: %d events, %v", len(events), err)
	}
}

func TestEventsCanBeChosen(t *testing.T) {
	f := newFake(t)
	s, addr := serveLoopback(t, Config{}, f)
	other := engine.Executor{ID: execB, PlanID: planA[:30] + "ff", State: engine.Failed}
	undo := engine.UndoRecord{UndoID: engine.UndoID{Executor: execA, Sequence: 1}, Plan: planA, State: engine.RecordOpen}
	for _, c := range []engine.Change{
		{Type: "plan.created", Plan: &f.plans[0]},
		{Type: "executor.running", Executor: &f.executors[1]},
		{Type: "executor.failed", Executor: &other},
		{Type: "undo.open", Undo: &undo},
		{Type: "lever.engaged", Lever: &engine.LeverState{}},
		{Type: "plugin.ready", Plugin: &engine.PluginFile{}},
	} {
		s.Publish(c)
	}
	for query, want := range map[string]string{
		"":                              "plan.created executor.running executor.failed undo.open lever.engaged plugin.ready",
		"&type=executor":                "executor.running executor.failed",
		"&type=executor.failed,undo":    "executor.failed undo.open",
		"&type=executor.lost":           "",
		"&type=lever&type=plugin":       "lever.engaged plugin.ready",
		"&plan_id=" + string(planA):     "plan.created executor.running undo.open",
		"&executor_id=" + string(execA): "executor.running undo.open",
		"&executor_id=" + string(execA) + "," + string(execB):      "executor.running executor.failed undo.open",
		"&type=executor&plan_id=" + string(planA):                  "executor.running",
		"&type=plan,executor&plan_id=" + nobody:                    "",
		"&type=undo.open,undo.undone&executor_id=" + string(execA): "undo.open",
	} {
		events, err := listen(t, addr, "?follow=false"+query, "").rest()
		kinds := make([]string, len(events))
		for i, e := range events {
			kinds[i] = e.kind
		}
		if got := strings.Join(kinds, " "); got != want || err != nil {
			t.Errorf("%s: got %q, %v, want %q", query, got, err, want)
		}
	}
	for query, msg := range map[string]string{
		"?type=run":               `type: "run" is no type of event; they begin with plan, executor, undo, lever or plugin`,
		"?type=":                  `type: "" is no type of event; they begin with plan, executor, undo, lever or plugin`,
		"?type=plan,lever.pulled": `type: "lever.pulled" is no type of event; of a lever there are engaged, released, stopped`,
		"?plan_id=x":              `"x" is no id of a plan or an executor`,
		"?executor_id=":           `"" is no id of a plan or an executor`,
	} {
		do(t, f, get(eventsPath+query)).is(http.StatusBadRequest).has("msg", encoded(t, msg))
	}
}

func TestAnIdleStreamShowsThatItLives(t *testing.T) {
	s, addr := serveLoopback(t, Config{Heartbeat: time.Millisecond}, newFake(t))
	l := listen(t, addr, "?type=lever", "").opened()
	for range 3 {
		if e, err := l.block(); err != nil || !e.comment || e.isEvent() || e.id != s.feed.id(0) {
			t.Fatalf("%+v, %v", e, err)
		}
	}
	s.Publish(executorChange(0)) // not what it has asked for: but it is that far then
	for l.last != s.feed.id(1) {
		if e, err := l.block(); err != nil || !e.comment || e.isEvent() {
			t.Fatalf("%+v, %v", e, err)
		}
	}
}

// stopReading opens a stream and takes nothing from it.
func stopReading(t *testing.T, addr string) {
	t.Helper()
	c, err := net.Dial("tcp", addr)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { c.Close() })
	if _, err := io.WriteString(c, "GET "+eventsPath+" HTTP/1.1\r\nHost: localhost\r\n\r\n"); err != nil {
		t.Fatal(err)
	}
	if _, err := c.Read(make([]byte, 1)); err != nil { // it has begun
		t.Fatal(err)
	}
}

// eventually polls until something is so.
func eventually(t *testing.T, what string, so func() bool) {
	t.Helper()
	deadline := time.Now().Add(20 * time.Second)
	for !so() {
		if time.Now().After(deadline) {
			t.Fatalf("not so in time: %s", what)
		}
		<-time.After(time.Millisecond)
	}
}

func TestAReaderThatStopsIsDroppedAndHurtsNobody(t *testing.T) {
	s, addr := serveLoopback(t, Config{WriteTimeout: 100 * time.Millisecond, Events: EventsConfig{Kept: 64 << 10}}, newFake(t))
	const stuck = 5
	for range stuck {
		stopReading(t, addr)
	}
	l := listen(t, addr, "", "").opened()
	n := 0
	eventually(t, "the stuck readers are dropped", func() bool {
		for range 50 { // fewer than are kept: the one that reads is not too slow
			s.Publish(executorChange(n))
			n++
		}
		for range 50 {
			if got := numberOf(t, l.next()); got != n-50 {
				t.Fatalf("event %d, want %d", got, n-50)
			}
			n++
		}
		n -= 50
		return s.EventReaders().Readers == 1
	})
	if r := s.EventReaders(); r.Stuck+r.Behind != stuck {
		t.Errorf("%+v", r)
	}
}

// A reader whose next event is no longer kept is cut off, and told so when it
// comes back.
func TestAReaderThatFallsBehindIsDropped(t *testing.T) {
	f := newFeed(EventsConfig{Kept: 4096, MaxReaders: 1}, time.Hour)
	r, known, err := f.join("")
	if err != nil || !known {
		t.Fatal(known, err)
	}
	for range 100 {
		f.publish(about{kind: "executor.running"}, []byte(strings.Repeat("x", 200)))
	}
	if _, err := r.next(); !errors.Is(err, errBehind) || f.count().Behind != 1 {
		t.Errorf("%v, %+v", err, f.count())
	}
	r.leave()
	back, known, err := f.join(f.id(0))
	if err != nil || known {
		t.Errorf("it may go on: %t, %v", known, err)
	}
	back.leave()
}

func TestPublishingWaitsForNobody(t *testing.T) {
	f := newFeed(EventsConfig{Kept: 1 << 20, MaxReaders: 1}, time.Hour)
	r, _, err := f.join("")
	if err != nil {
		t.Fatal(err)
	}
	defer r.leave()
	for range 10_000 { // nobody receives from r.wake
		f.publish(about{}, []byte("{}"))
	}
}

func TestReadersAreBounded(t *testing.T) {
	f := newFake(t)
	s, addr := serveLoopback(t, Config{Events: EventsConfig{MaxReaders: 1}}, f)
	l := listen(t, addr, "", "").opened()
	res, err := http.Get("http://" + addr + eventsPath) //nolint:noctx // a test's
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	if res.StatusCode != http.StatusServiceUnavailable || res.Header.Get("Retry-After") == "" {
		t.Errorf("a second reader got %s", res.Status)
	}
	l.cut()
	eventually(t, "the place is free again", func() bool { return s.EventReaders().Readers == 0 })
	listen(t, addr, "", "").opened()
}

func TestShutdownEndsTheEvents(t *testing.T) {
	s, addr := serveLoopback(t, Config{}, newFake(t))
	l := listen(t, addr, "", "").opened()
	s.Publish(executorChange(0))
	ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
	defer cancel()
	if err := s.Shutdown(ctx); err != nil {
		t.Fatalf("shutdown: %v", err)
	}
	events, err := l.rest()
	if err != nil || len(events) != 1 { // whole, with the last word
		t.Errorf("%d events, %v", len(events), err)
	}
	s.Publish(executorChange(1)) // as the engine does until it has come to rest
}

func TestEventsByHead(t *testing.T) {
	a := do(t, newFake(t), call{method: http.MethodHead, target: eventsPath}).is(http.StatusOK)
	if got := a.header.Get("Content-Type"); got != "text/event-stream" || len(a.body) > 0 {
		t.Errorf("content type %q, body %q", got, a.body)
	}
}

// Many come and go while events are published: nobody misses one, and nothing is
// left of them.
func TestReadersComeAndGo(t *testing.T) {
	s, addr := serveLoopback(t, Config{Heartbeat: 2 * time.Millisecond}, newFake(t))
	quit := make(chan struct{})
	var working sync.WaitGroup
	defer working.Wait()
	defer close(quit)
	working.Go(func() {
		for n := 0; ; n++ {
			select {
			case <-quit:
				return
			case <-time.After(100 * time.Microsecond):
				s.Publish(executorChange(n))
			}
		}
	})
	t.Run("readers", func(t *testing.T) { // ends when all have
		for i := range 20 {
			t.Run(strconv.Itoa(i), func(t *testing.T) {
				t.Parallel()
				for range 5 {
					l := listen(t, addr, "", "")
					first := numberOf(t, l.next())
					for i := range 10 {
						if got := numberOf(t, l.next()); got != first+i+1 {
							t.Errorf("event %d, want %d", got, first+i+1)
						}
					}
					l.cut()
				}
			})
		}
	})
	eventually(t, "all have left", func() bool { return s.EventReaders().Readers == 0 })
	if r := s.EventReaders(); r.Behind+r.Stuck > 0 {
		t.Errorf("%+v", r)
	}
}
