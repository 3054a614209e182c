package audit_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"github.com/chaos-monkey-engine/cmed/internal/audit"
)

// pages is a Reader of entries, of which it gives out a few at a time.
type pages struct {
	entries []audit.Entry
	err     error
}

func (p pages) Audit(_ context.Context, q audit.Query) ([]audit.Entry, error) {
	var page []audit.Entry
	for _, e := range p.entries {
		if e.Seq > q.After && len(page) < min(q.Limit, 7) {
			page = append(page, e)
		}
	}
	return page, p.err
}

// chain makes n entries.
func chain(n int) []audit.Entry {
	var list []audit.Entry
	var last audit.Entry
	for i := range n {
		last = audit.Entry{
			At: time.Date(2026, 3, 1, 12, 0, i, 123456789, time.FixedZone("", 3600)), Who: "alice", Key: "abcdefghijkl", Role: "operator",
			From: "192.0.2.1", Action: "create_plan", Target: fmt.Sprint("plan ", i), Status: 200, Outcome: audit.OK, Detail: "a <plan> & more",
		}.After(last)
		list = append(list, last)
	}
	return list
}

func verify(t *testing.T, entries []audit.Entry) audit.Verdict {
	t.Helper()
	v, err := audit.Verify(t.Context(), pages{entries: entries})
	if err != nil {
		t.Fatal(err)
	}
	return v
}

func TestAWholeChain(t *testing.T) {
	for _, n := range []int{0, 1, 7, 8, 50} {
		entries := chain(n)
		head := ""
		if n > 0 {
			head = entries[n-1].Hash
		}
		if v := verify(t, entries); v != (audit.Verdict{Entries: uint64(n), Head: head}) {
			t.Errorf("%d entries: %+v", n, v)
		}
	}
}

// TestTheChainOutlivesItsStorage: what was written and read again has the same
// hash.
func TestTheChainOutlivesItsStorage(t *testing.T) {
	var again []audit.Entry
	for _, e := range chain(20) {
		line, err := json.Marshal(e)
		if err != nil {
			t.Fatal(err)
		}
		var read audit.Entry
		if err := json.Unmarshal(line, &read); err != nil {
			t.Fatal(err)
		}
		again = append(again, read)
	}
	if v := verify(t, again); v.Broken != 0 || v.Entries != 20 {
		t.Errorf("got %+v", v)
	}
}

// TestEveryFieldIsSealed changes each field of an entry, of any type, so that a
// field that is added is covered too.
func TestEveryFieldIsSealed(t *testing.T) {
	const victim = 4
	for i := range reflect.TypeFor[audit.Entry]().NumField() {
		field := reflect.TypeFor[audit.Entry]().Field(i).Name
		t.Run(field, func(t *testing.T) {
			entries := chain(10)
			switch f := reflect.ValueOf(&entries[victim]).Elem().Field(i).Addr().Interface().(type) {
			case *string:
				*f += "x"
			case *int:
				*f++
			case *uint64:
				*f += 100
			case *time.Time:
				*f = f.Add(time.Microsecond)
			default:
				t.Fatalf("nothing is known of a %T", f)
			}
			v := verify(t, entries)
			if v.Broken == 0 || v.Why == "" || v.Entries != victim || v.Head != entries[victim-1].Hash {
				t.Errorf("got %+v", v)
			}
		})
	}
}

// TestTheChainIsSealed changes the list.
func TestTheChainIsSealed(t *testing.T) {
	for name, change := range map[string]func([]audit.Entry) []audit.Entry{
		"one is left out":       func(l []audit.Entry) []audit.Entry { return slices.Delete(l, 4, 5) },
		"the first is left out": func(l []audit.Entry) []audit.Entry { return l[1:] },
		"two are exchanged":     func(l []audit.Entry) []audit.Entry { l[3], l[4] = l[4], l[3]; return l },
		"one comes twice":       func(l []audit.Entry) []audit.Entry { return slices.Insert(l, 4, l[3]) },
		"one is forged and sealed": func(l []audit.Entry) []audit.Entry {
			l[4].Who = "mallory"
			l[4] = l[4].After(l[3])
			return l
		},
		"one is forged and its hashes left out": func(l []audit.Entry) []audit.Entry {
			l[4].Who, l[4].Hash = "mallory", ""
			return l
		},
	} {
		if v := verify(t, change(chain(10))); v.Broken == 0 && v.Entries == 10 {
			t.Errorf("%s: %+v", name, v)
		}
	}
	// This is what a chain can't show, and why its head is told.
	whole, cut := verify(t, chain(10)), verify(t, chain(9))
	if cut.Broken != 0 || cut.Head == whole.Head {
		t.Errorf("cut off at its end: %+v", cut)
	}
}

func TestAStoreThatFails(t *testing.T) {
	errDisk := errors.New("disk on fire")
	if _, err := audit.Verify(t.Context(), pages{err: errDisk}); !errors.Is(err, errDisk) {
		t.Errorf("got %v", err)
	}
}

// FuzzEntry puts anything into an entry: what is stored of it is text of a
// bounded length, and is read again as it was written.
func FuzzEntry(f *testing.F) {
	f.Add("alice", "a\xffb", "\x00", int64(0), 200)
	f.Add(strings.Repeat("ä", 130), strings.Repeat("x", 1025), "\u2028<>&", int64(1<<40), -1)
	f.Fuzz(func(t *testing.T, who, detail, target string, at int64, status int) {
		e := audit.Entry{
			Who: who, Key: who, From: target, Action: detail, Target: target, Role: who, Outcome: detail, Detail: detail, Status: status,
			At: time.Unix(at%200_000_000_000, at%1e9),
		}.After(audit.Entry{Seq: 6, Hash: "h"})
		for _, text := range []string{e.Who, e.Key, e.From, e.Action, e.Target, e.Role, e.Outcome} {
			if len(text) > 256 || !utf8.ValidString(text) {
				t.Errorf("a text of %d bytes: %q", len(text), text)
			}
		}
		if len(e.Detail) > 1024 || len(detail) <= 1000 && utf8.ValidString(detail) && e.Detail != detail {
			t.Errorf("of %q it keeps %q", detail, e.Detail)
		}
		line, err := json.Marshal(e)
		if err != nil {
			return // a year that JSON has no form for
		}
		var read audit.Entry
		if err := json.Unmarshal(line, &read); err != nil {
			t.Fatal(err)
		}
		before := make([]audit.Entry, 0, 7)
		before = append(before, chain(6)...)
		again := read
		again.Seq, again.Before, again.Hash = 0, "", ""
		if sealed := again.After(before[5]); verify(t, append(before, sealed)).Broken != 0 {
			t.Errorf("read again it does not fit: %s", line)
		}
		if read.Hash != e.Hash || e.Hash == "" {
			t.Errorf("the hash is %q, read again %q", e.Hash, read.Hash)
		}
	})
}
