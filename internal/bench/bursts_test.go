package main

import (
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/chaos-monkey-engine/cmed/internal/bench/minimal/stamp"
)

func TestMarksAreComparedWithThePlan(t *testing.T) {
	first := time.Unix(1_800_000_000, 0)
	v := wave{atOnce: 1, bursts: 2, apart: time.Second}
	executors := []listed{{ID: "a", Name: "0"}, {ID: "b", Name: "1"}}
	for name, test := range map[string]struct {
		marks []stamp.Mark
		lost  int
		want  string // in the error
	}{
		"all ran":           {marks: []stamp.Mark{{Name: "b", At: first.Add(1003 * time.Millisecond)}, {Name: "a", At: first.Add(3 * time.Millisecond)}}},
		"one was lost":      {marks: []stamp.Mark{{Name: "a", At: first.Add(3 * time.Millisecond)}}, lost: 1},
		"all were lost":     {lost: 2},
		"one ran twice":     {marks: []stamp.Mark{{Name: "a", At: first}, {Name: "a", At: first}}, want: `"a" left a mark that it should not, or a second one`},
		"a stranger's mark": {marks: []stamp.Mark{{Name: "c", At: first}}, want: `"c" left a mark`},
	} {
		t.Run(name, func(t *testing.T) {
			path := filepath.Join(t.TempDir(), "marks")
			for _, m := range test.marks {
				if err := stamp.Write(path, m.Name, m.At); err != nil {
					t.Fatal(err)
				}
			}
			o, err := read(path, executors, v, first)
			switch {
			case test.want != "":
				if err == nil || !strings.Contains(err.Error(), test.want) {
					t.Errorf("the error is %v", err)
				}
				return
			case err != nil:
				t.Fatal(err)
			}
			if o.lost() != test.lost {
				t.Errorf("%d were lost, want %d", o.lost(), test.lost)
			}
			for _, lag := range o.lags {
				if lag != 3*time.Millisecond {
					t.Errorf("a lag is %s", lag)
				}
			}
		})
	}
}
