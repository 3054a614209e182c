package stamp

import (
	"os"
	"path/filepath"
	"strconv"
	"sync"
	"testing"
	"time"
)

func TestManyWritersLoseNoMark(t *testing.T) {
	path := filepath.Join(t.TempDir(), "marks")
	if marks, err := Read(path); len(marks) != 0 || err != nil {
		t.Fatalf("before the first mark: %v, %v", marks, err)
	}
	const writers, each = 8, 50
	begin := time.Unix(1_800_000_000, 0)
	var group sync.WaitGroup
	for w := range writers {
		group.Go(func() {
			for i := range each {
				if err := Write(path, strconv.Itoa(w), begin.Add(time.Duration(i))); err != nil {
					t.Error(err)
				}
			}
		})
	}
	group.Wait()
	marks, err := Read(path)
	if err != nil {
		t.Fatal(err)
	}
	seen := map[string]int{}
	for _, m := range marks {
		if want := begin.Add(time.Duration(seen[m.Name])); !m.At.Equal(want) {
			t.Fatalf("writer %s: mark %d is of %v, not %v", m.Name, seen[m.Name], m.At, want)
		}
		seen[m.Name]++
	}
	for w := range writers {
		if seen[strconv.Itoa(w)] != each {
			t.Errorf("writer %d: %d marks", w, seen[strconv.Itoa(w)])
		}
	}
}

func TestReadRefusesWhatIsNoMark(t *testing.T) {
	path := filepath.Join(t.TempDir(), "marks")
	if err := os.WriteFile(path, []byte("a 1\nb\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	if marks, err := Read(path); err == nil {
		t.Errorf("read %v", marks)
	}
}
