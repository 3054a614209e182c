package httpapi

import (
	"bufio"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"reflect"
	"slices"
	"strings"
	"testing"

	"github.com/chaos-monkey-engine/cmed/internal/engine"
)

// many gives the fake n executors.
func many(f *fakeEngine, n int) *fakeEngine {
	e := f.executors[1]
	f.executors = make([]engine.Executor, n)
	for i := range f.executors {
		e.ID = engine.ExecutorID(fmt.Sprintf("%032x", i))
		f.executors[i] = e
	}
	return f
}

func TestCompleteListIsReadInChunks(t *testing.T) {
	tests := []struct {
		executors int
		limits    []int
	}{
		{0, []int{chunk}},
		{1, []int{chunk}},
		{chunk, []int{chunk}},
		{chunk + 1, []int{chunk, chunk}},
		{3*chunk + 7, []int{chunk, chunk, chunk, chunk}}, // past what a spool keeps in memory
	}
	for _, tt := range tests {
		t.Run(fmt.Sprint(tt.executors), func(t *testing.T) {
			f := many(newFake(t), tt.executors)
			dir := t.TempDir()
			a := doWith(t, Config{SpoolDir: dir}, f, get("/api/1/executors/")).is(http.StatusOK)
			top, embedded := a.at("executors").([]any), a.at("_embedded.executors").([]any)
			if len(top) != tt.executors || !reflect.DeepEqual(top, embedded) {
				t.Errorf("%d executors and %d embedded, want %d of both", len(top), len(embedded), tt.executors)
			}
			for i, e := range top {
				if e.(map[string]any)["id"] != fmt.Sprintf("%032x", i) {
					t.Fatalf("executor %d is %v", i, e)
				}
			}
			if !slices.Equal(f.limits, tt.limits) {
				t.Errorf("read %v at once, want %v", f.limits, tt.limits)
			}
			if left, err := os.ReadDir(dir); err != nil || len(left) != 0 {
				t.Errorf("left behind: %v, %v", left, err)
			}
		})
	}
}

func TestBothListsAreOneUnderConcurrentChange(t *testing.T) {
	f := many(newFake(t), 3*chunk)
	f.onPage = func() {
		f.mu.Lock()
		defer f.mu.Unlock()
		for i := range f.executors {
			f.executors[i].Reason += "."
		}
	}
	a := do(t, f, get("/api/1/executors/")).is(http.StatusOK)
	if !reflect.DeepEqual(a.at("executors"), a.at("_embedded.executors")) {
		t.Error("the lists differ")
	}
}

func TestPages(t *testing.T) {
	f := many(newFake(t), 25)
	target, seen := "/api/1/executors/?limit=10&state=scheduled&plan_id="+string(planA), 0
	for pages := 1; ; pages++ {
		a := do(t, f, get(target)).is(http.StatusOK).has("_links.self.href", `"`+target+`"`)
		seen += len(a.at("executors").([]any))
		next, more := a.at("_links").(map[string]any)["next"]
		if !more {
			if pages != 3 || seen != 25 {
				t.Errorf("%d executors on %d pages", seen, pages)
			}
			break
		}
		target = next.(map[string]any)["href"].(string)
	}
	if !slices.Equal(f.limits, []int{10, 10, 10}) || f.query.Plan != planA {
		t.Errorf("read %v at once with %+v", f.limits, f.query)
	}
}

func TestPagesOfPlans(t *testing.T) {
	f := newFake(t)
	f.plans = slices.Repeat(f.plans, 3)
	a := do(t, f, get("/api/1/plans/?all=true&limit=2")).is(http.StatusOK).
		has("_links.next.href", `"/api/1/plans/?all=true&cursor=2&limit=2"`)
	if n := len(a.at("plans").([]any)); n != 2 {
		t.Errorf("%d plans", n)
	}
	a = do(t, f, get("/api/1/plans/?all=true&cursor=2&limit=2")).is(http.StatusOK)
	if n := len(a.at("plans").([]any)); n != 1 || a.at("_links").(map[string]any)["next"] != nil {
		t.Errorf("the last page: %s", a.body)
	}
}

func TestHeadOfAListReadsOnePage(t *testing.T) {
	f := many(newFake(t), 3*chunk)
	do(t, f, call{method: http.MethodHead, target: "/api/1/executors/"}).is(http.StatusOK)
	if len(f.limits) != 1 {
		t.Errorf("read %d pages", len(f.limits))
	}
}

func TestListThatBreaksIsCutOff(t *testing.T) {
	f := many(newFake(t), 3*chunk)
	pages := 0
	f.onPage = func() {
		if pages++; pages == 3 {
			f.fail["Executors"] = errors.New("disk gone")
		}
	}
	_, addr := serveLoopback(t, Config{}, f)
	res, err := http.Get("http://" + addr + "/api/1/executors/")
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	body, err := io.ReadAll(res.Body)
	if !errors.Is(err, io.ErrUnexpectedEOF) {
		t.Errorf("the client took %d bytes for the whole: %v", len(body), err)
	}
	if json.Valid(body) {
		t.Error("what came is a whole document")
	}
}

func TestSpool(t *testing.T) {
	for _, size := range []int{0, 10, spoolMemory, spoolMemory + 1, 3 * spoolMemory} {
		dir := t.TempDir()
		s := &spool{dir: dir}
		var want strings.Builder
		for want.Len() < size {
			part := strings.Repeat("x", min(size-want.Len(), 100_000))
			want.WriteString(part)
			if _, err := s.Write([]byte(part)); err != nil {
				t.Fatal(err)
			}
		}
		if (s.file != nil) != (size > spoolMemory) {
			t.Errorf("%d bytes in a file: %v", size, s.file != nil)
		}
		for range 2 {
			var got strings.Builder
			if n, err := s.WriteTo(&got); err != nil || n != int64(size) || got.String() != want.String() {
				t.Errorf("%d bytes came back as %d: %v", size, n, err)
			}
		}
		if err := s.Close(); err != nil {
			t.Error(err)
		}
		if left, _ := os.ReadDir(dir); len(left) != 0 {
			t.Errorf("left behind: %v", left)
		}
	}
}

func TestSpoolWithoutRoom(t *testing.T) {
	f := many(newFake(t), 6*chunk)
	_, addr := serveLoopback(t, Config{SpoolDir: "/nonexistent"}, f)
	res, err := http.Get("http://" + addr + "/api/1/executors/")
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	if _, err := io.Copy(io.Discard, bufio.NewReader(res.Body)); !errors.Is(err, io.ErrUnexpectedEOF) {
		t.Errorf("ended with %v", err)
	}
}
