package access_test

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"maps"
	"runtime"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/chaos-monkey-engine/cmed/internal/access"
	"github.com/chaos-monkey-engine/cmed/internal/engine"
)

// shelf is a Store in memory, which can fail.
type shelf struct {
	mu   sync.Mutex
	keys map[access.KeyID]access.Key
	err  error
}

func (s *shelf) Keys(context.Context) ([]access.Key, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Collect(maps.Values(s.keys)), s.err
}

func (s *shelf) AddKey(_ context.Context, k access.Key, gone ...access.KeyID) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.err != nil {
		return s.err
	}
	if s.keys == nil {
		s.keys = map[access.KeyID]access.Key{}
	}
	s.keys[k.ID] = k
	for _, id := range gone {
		delete(s.keys, id)
	}
	return nil
}

func (s *shelf) RevokeKey(_ context.Context, id access.KeyID, at time.Time) (access.Key, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.err != nil {
		return access.Key{}, s.err
	}
	k, ok := s.keys[id]
	if !ok {
		return access.Key{}, engine.Errorf(engine.CodeNotFound, "key not found")
	}
	if k.Revoked.IsZero() {
		k.Revoked = at
	}
	s.keys[id] = k
	return k, nil
}

var errDisk = errors.New("disk on fire")

func open(t testing.TB, s access.Store) *access.Keyring {
	t.Helper()
	r, err := access.Open(t.Context(), s)
	if err != nil {
		t.Fatal(err)
	}
	return r
}

func made(t testing.TB, r *access.Keyring, want access.NewKey) (access.Key, string) {
	t.Helper()
	if want.Name == "" {
		want.Name = "a key"
	}
	if want.Role == "" {
		want.Role = access.Operator
	}
	k, secret, err := r.Make(t.Context(), want)
	if err != nil {
		t.Fatal(err)
	}
	return k, secret
}

func TestALifeOfAKey(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := &shelf{}
		r := open(t, s)
		if r.Closed() {
			t.Error("closed before there is a key")
		}
		k, secret := made(t, r, access.NewKey{
			Name: "ci", Role: access.Viewer, Expires: time.Now().Add(time.Hour), By: "alice",
			Limits: access.Limits{Refs: []string{"tc:*"}, Labels: map[string]string{"team": "one"}},
		})
		if !r.Closed() {
			t.Error("open though there is a key")
		}
		if len(k.Hash) > 0 || !k.ID.Valid() || !strings.HasPrefix(secret, "cmed_"+string(k.ID)+"_") || len(secret) != 61 {
			t.Errorf("%+v with a secret of %d characters", k, len(secret))
		}
		stored := s.keys[k.ID]
		if sum := sha256.Sum256([]byte(secret)); string(stored.Hash) != string(sum[:]) || strings.Contains(fmt.Sprintf("%+v", stored), secret[18:]) {
			t.Error("what is stored is not the hash alone")
		}
		for what, ring := range map[string]*access.Keyring{"at once": r, "after a restart": open(t, s)} {
			got, err := ring.Identify(secret)
			if err != nil || got.ID != k.ID || got.Role != access.Viewer || len(got.Hash) > 0 || got.Limits.Refs[0] != "tc:*" {
				t.Errorf("%s: %+v, %v", what, got, err)
			}
			if list := ring.Keys(); len(list) != 1 || len(list[0].Hash) > 0 || list[0].By != "alice" {
				t.Errorf("%s: %+v", what, list)
			}
		}
		time.Sleep(time.Hour)
		if _, err := r.Identify(secret); !errors.Is(err, access.ErrExpired) {
			t.Errorf("after its time: %v", err)
		}
		if _, err := r.Revoke(t.Context(), k.ID); err != nil {
			t.Error(err)
		}
		if _, err := r.Identify(secret); !errors.Is(err, access.ErrRevoked) {
			t.Errorf("revoked: %v", err)
		}
		if !r.Closed() || !open(t, s).Closed() {
			t.Error("open again though there was a key")
		}
	})
}

func TestKeysAreListedByAge(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := open(t, &shelf{})
		var want []access.KeyID
		for range 20 {
			k, _ := made(t, r, access.NewKey{})
			want = append(want, k.ID)
			time.Sleep(time.Second)
		}
		var got []access.KeyID
		for _, k := range r.Keys() {
			got = append(got, k.ID)
		}
		if !slices.Equal(got, want) {
			t.Errorf("got %v, want %v", got, want)
		}
	})
}

// TestWhatIsHandedOutIsACopy: nobody changes the keyring by what it gave them.
func TestWhatIsHandedOutIsACopy(t *testing.T) {
	r := open(t, &shelf{})
	limits := access.Limits{Refs: []string{"tc:*"}, Labels: map[string]string{"a": "b"}}
	k, secret := made(t, r, access.NewKey{Limits: limits})
	again, err := r.Identify(secret)
	if err != nil {
		t.Fatal(err)
	}
	for _, l := range []access.Limits{limits, k.Limits, again.Limits, r.Keys()[0].Limits} {
		l.Refs[0], l.Labels["a"] = "*", "c"
	}
	if kept, _ := r.Identify(secret); kept.Limits.Refs[0] != "tc:*" || kept.Limits.Labels["a"] != "b" {
		t.Errorf("the limits are now %+v", kept.Limits)
	}
}

func TestAStoreThatFails(t *testing.T) {
	s := &shelf{}
	r := open(t, s)
	s.err = errDisk
	if _, _, err := r.Make(t.Context(), access.NewKey{Name: "n", Role: access.Admin}); !errors.Is(err, errDisk) || r.Closed() {
		t.Errorf("made: %v; closed: %v", err, r.Closed())
	}
	if _, err := access.Open(t.Context(), s); !errors.Is(err, errDisk) {
		t.Errorf("opened: %v", err)
	}
	s.err = nil
	k, secret := made(t, r, access.NewKey{})
	s.err = errDisk
	if _, err := r.Revoke(t.Context(), k.ID); !errors.Is(err, errDisk) {
		t.Errorf("revoked: %v", err)
	}
	if _, err := r.Identify(secret); !errors.Is(err, access.ErrRevoked) {
		t.Errorf("a key that was to be revoked opens: %v", err)
	}
	s.err = nil
	if _, err := r.Revoke(t.Context(), k.ID); err != nil || s.keys[k.ID].Revoked.IsZero() {
		t.Errorf("revoked again: %v, stored %+v", err, s.keys[k.ID])
	}
}

// hungShelf is a shelf on a disk that hangs while a key is being stored.
type hungShelf struct {
	shelf
	storing, goOn chan struct{}
}

func (s *hungShelf) AddKey(ctx context.Context, k access.Key, gone ...access.KeyID) error {
	if s.storing != nil {
		close(s.storing)
		<-s.goOn
	}
	return s.shelf.AddKey(ctx, k, gone...)
}

// A key opens nothing from the moment it is revoked, though a disk that hangs may
// keep the next one from being stored, and this one from being stored as revoked.
func TestARevocationWaitsForNoDisk(t *testing.T) {
	s := &hungShelf{}
	r := open(t, s)
	k, secret := made(t, r, access.NewKey{})
	s.storing, s.goOn = make(chan struct{}), make(chan struct{})
	var calls sync.WaitGroup
	calls.Go(func() {
		if _, _, err := r.Make(t.Context(), access.NewKey{Name: "next", Role: access.Viewer}); err != nil {
			t.Error(err)
		}
	})
	<-s.storing
	calls.Go(func() {
		if _, err := r.Revoke(t.Context(), k.ID); err != nil {
			t.Error(err)
		}
	})
	deadline := time.Now().Add(10 * time.Second)
	_, err := r.Identify(secret)
	for ; err == nil && time.Now().Before(deadline); _, err = r.Identify(secret) {
		runtime.Gosched()
	}
	if !errors.Is(err, access.ErrRevoked) {
		t.Errorf("while the disk hangs: %v", err)
	}
	close(s.goOn)
	calls.Wait()
	if s.keys[k.ID].Revoked.IsZero() || len(s.keys) != 2 {
		t.Errorf("stored are %+v", s.keys)
	}
}

func TestRevokeWhatIsNotThere(t *testing.T) {
	r := open(t, &shelf{})
	for _, id := range []access.KeyID{"", "abcdefghijkl", "../../etc"} {
		if _, err := r.Revoke(t.Context(), id); engine.CodeOf(err) != engine.CodeNotFound {
			t.Errorf("%q: %v", id, err)
		}
	}
}

func TestWrongKeysAreRefused(t *testing.T) {
	long := strings.Repeat("x", 101)
	many := map[string]string{}
	for i := range 65 {
		many[fmt.Sprint(i)] = ""
	}
	for name, c := range map[string]struct {
		want    access.NewKey
		pointer string
		message string
	}{
		"no name":                {access.NewKey{Role: access.Viewer}, "/name", "the name is empty"},
		"only blanks":            {access.NewKey{Role: access.Viewer, Name: " \t"}, "/name", "the name is empty"},
		"a long name":            {access.NewKey{Role: access.Viewer, Name: long}, "/name", "longer than 100 characters"},
		"a name of two lines":    {access.NewKey{Role: access.Viewer, Name: "a\nb"}, "/name", "can't be shown"},
		"a name that is no text": {access.NewKey{Role: access.Viewer, Name: "a\xff"}, "/name", "not UTF-8"},
		"no role":                {access.NewKey{Name: "n"}, "/role", `"" is not a role`},
		"nobody's role":          {access.NewKey{Name: "n", Role: access.Nobody}, "/role", "is not a role: it is one of viewer, operator and admin"},
		"a past end":             {access.NewKey{Name: "n", Role: access.Viewer, Expires: time.Now()}, "/ttl", "would have expired"},
		"an empty pattern":       {access.NewKey{Name: "n", Role: access.Viewer, Limits: access.Limits{Refs: []string{"a:*", ""}}}, "/limits/refs/1", "the pattern is empty"},
		"a broken pattern":       {access.NewKey{Name: "n", Role: access.Viewer, Limits: access.Limits{Refs: []string{"a["}}}, "/limits/refs/0", "is not a pattern"},
		"many patterns":          {access.NewKey{Name: "n", Role: access.Viewer, Limits: access.Limits{Refs: slices.Repeat([]string{"a"}, 65)}}, "/limits/refs", "at most 64"},
		"an empty label":         {access.NewKey{Name: "n", Role: access.Viewer, Limits: access.Limits{Labels: map[string]string{"": "x"}}}, "/limits/labels/", "the label's name is empty"},
		"a label's value":        {access.NewKey{Name: "n", Role: access.Viewer, Limits: access.Limits{Labels: map[string]string{"a/b~c": "x\x00"}}}, "/limits/labels/a~1b~0c", "the label's value has characters"},
		"many labels":            {access.NewKey{Name: "n", Role: access.Viewer, Limits: access.Limits{Labels: many}}, "/limits/labels", "at most 64"},
	} {
		t.Run(name, func(t *testing.T) {
			s := &shelf{}
			_, secret, err := open(t, s).Make(t.Context(), c.want)
			var wrong *engine.Error
			if !errors.As(err, &wrong) || wrong.Code != engine.CodeInvalid || len(wrong.Problems) != 1 {
				t.Fatalf("got %v", err)
			}
			if p := wrong.Problems[0]; p.Pointer != c.pointer || !strings.Contains(p.Message, c.message) {
				t.Errorf("got %+v", p)
			}
			if secret != "" || len(s.keys) > 0 {
				t.Error("a key was made")
			}
		})
	}
}

// TestKeysAreBounded: as many keys as are kept may be valid. Of those that are not,
// the ones that ended first make room, and the API stays closed.
func TestKeysAreBounded(t *testing.T) {
	past := time.Now().Add(-time.Hour)
	s := &shelf{keys: map[access.KeyID]access.Key{}}
	for i := range access.MaxKeys {
		id := access.KeyID(fmt.Sprintf("k%011d", i))
		s.keys[id] = access.Key{ID: id}
	}
	full := open(t, s)
	_, _, err := full.Make(t.Context(), access.NewKey{Name: "one more", Role: access.Viewer})
	if engine.CodeOf(err) != engine.CodeConflict || !strings.Contains(err.Error(), "10000 valid keys") {
		t.Errorf("got %v", err)
	}
	ended := []access.Key{ // in the order of their end
		{ID: "k00000000007", Expires: past.Add(-3 * time.Second)},
		{ID: "k00000000003", Expires: past, Revoked: past.Add(-2 * time.Second)},
		{ID: "k00000000009", Revoked: past.Add(-time.Second)},
		{ID: "k00000000001", Expires: past, Revoked: past.Add(time.Second)},
	}
	for _, k := range ended {
		s.keys[k.ID] = k
	}
	r := open(t, s)
	for i, k := range ended {
		s.err = errDisk
		if _, _, err := r.Make(t.Context(), access.NewKey{Name: "one more", Role: access.Viewer}); !errors.Is(err, errDisk) {
			t.Fatal(err)
		}
		s.err = nil
		if _, kept := r.Key(k.ID); !kept {
			t.Errorf("%s is gone, and nothing stands in its place", k.ID)
		}
		made(t, r, access.NewKey{})
		for j, other := range ended {
			_, kept := r.Key(other.ID)
			if _, stored := s.keys[other.ID]; kept != (j > i) || stored != kept {
				t.Errorf("after %d: %s is kept %t, stored %t", i, other.ID, kept, stored)
			}
		}
	}
	if len(s.keys) != access.MaxKeys || !r.Closed() {
		t.Errorf("%d keys", len(s.keys))
	}
	if _, _, err := r.Make(t.Context(), access.NewKey{Name: "n", Role: access.Viewer}); engine.CodeOf(err) != engine.CodeConflict {
		t.Errorf("got %v", err)
	}
}

// TestOfManyAtOnce makes, revokes and identifies from many goroutines; a key that
// was revoked never opens afterwards.
func TestOfManyAtOnce(t *testing.T) {
	s := &shelf{}
	r := open(t, s)
	var all sync.WaitGroup
	for range 8 {
		all.Go(func() {
			for range 50 {
				k, secret := made(t, r, access.NewKey{})
				if got, err := r.Identify(secret); err != nil || got.ID != k.ID {
					t.Errorf("identified %+v, %v", got, err)
				}
				if _, err := r.Revoke(t.Context(), k.ID); err != nil {
					t.Error(err)
				}
				if _, err := r.Identify(secret); !errors.Is(err, access.ErrRevoked) {
					t.Errorf("got %v", err)
				}
				r.Keys()
			}
		})
	}
	all.Wait()
	if n := len(r.Keys()); n != 400 || len(s.keys) != 400 {
		t.Errorf("%d keys, %d stored", n, len(s.keys))
	}
}
