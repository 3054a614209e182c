package store

import (
	"path/filepath"
	"testing"
)

func TestCache(t *testing.T) {
	path := filepath.Join(t.TempDir(), "cme.db")
	s := openAt(t, path)
	want := func(key, value string, found bool) {
		t.Helper()
		got, ok, err := s.Cached(key)
		if err != nil || string(got) != value || ok != found {
			t.Errorf("%s: got %q, %v, %v", key, got, ok, err)
		}
	}
	want("a/1", "", false)
	for _, key := range []string{"b/1", "a/2", "a/1", "a"} {
		wantNoError(t, s.PutCached(key, []byte("of "+key)))
	}
	wantNoError(t, s.PutCached("a/2", nil))
	wantNoError(t, s.Close())
	s = openAt(t, path)
	want("a/1", "of a/1", true)
	want("a/2", "", true)

	value, _, _ := s.Cached("a/1")
	value[0] = 'X'
	want("a/1", "of a/1", true)

	keys, err := s.CachedKeys("a/")
	wantNoError(t, err)
	wantSame(t, "keys with the prefix", keys, []string{"a/1", "a/2"})
	wantNoError(t, s.DropCached("a/1"))
	wantNoError(t, s.DropCached("a/1"))
	want("a/1", "", false)
	if err := s.PutCached("", nil); err == nil {
		t.Error("an empty key is taken")
	}
}
