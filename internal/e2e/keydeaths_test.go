package e2e

import (
	"encoding/json"
	"fmt"
	"net/http"
	"sync"
	"testing"
)

// acknowledged are the keys that a daemon said it had made or revoked.
type acknowledged struct {
	mu      sync.Mutex
	made    []shownKey
	revoked map[string]bool // by id: true, it was said; false, it was asked for
}

func (a *acknowledged) count() int {
	a.mu.Lock()
	defer a.mu.Unlock()
	return len(a.made)
}

// churn makes keys, and revokes every other one, until the daemon is gone.
func (a *acknowledged) churn(c client, name string) error {
	for i := 0; ; i++ {
		made, err := c.try(request{
			method: http.MethodPost, path: "/api/1/keys/", body: map[string]any{"name": fmt.Sprint(name, " ", i), "role": "viewer"},
		})
		if err != nil {
			return nil // the daemon is gone, as it has to be
		}
		var key shownKey
		if err := json.Unmarshal(made.body, &key); err != nil || made.status != http.StatusCreated {
			return fmt.Errorf("a key is answered with %d: %w: %.300s", made.status, err, made.body)
		}
		a.mu.Lock()
		a.made = append(a.made, key)
		a.mu.Unlock()
		if i%2 == 0 {
			continue
		}
		a.note(key.ID, false)
		revoked, err := c.try(request{method: http.MethodDelete, path: "/api/1/keys/" + key.ID})
		if err != nil {
			return nil // likewise
		}
		if revoked.status != http.StatusOK {
			return fmt.Errorf("a revocation is answered with %d: %.300s", revoked.status, revoked.body)
		}
		a.note(key.ID, true)
	}
}

func (a *acknowledged) note(id string, said bool) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.revoked[id] = said
}

// A SIGKILL while keys are made and revoked loses nothing that was acknowledged,
// neither of the keys nor of the audit.
func TestNoAcknowledgedKeyIsLostWhenTheDaemonIsKilled(t *testing.T) {
	t.Parallel()
	const rounds, writers = 4, 6
	d := start(t, withoutPlugins())
	boss := d.makeKey(t, "boss", "admin")
	all := &acknowledged{revoked: map[string]bool{}}
	for round := range rounds {
		before := all.count()
		done := make(chan error, writers)
		admin := d.as(boss.Key)
		for i := range writers {
			go func() { done <- all.churn(admin, fmt.Sprint(round, " ", i)) }()
		}
		waitFor(t, patience, "keys to be made", func() bool { return all.count() >= before+10+7*round })
		d.kill(t)
		for range writers {
			if err := <-done; err != nil {
				t.Error(err)
			}
		}
		d.restart(t)
		all.check(t, d, boss)
	}
	t.Logf("%d keys were made, of which %d were to be revoked", all.count(), len(all.revoked))
}

// check wants everything that was acknowledged to be so, and on record.
func (a *acknowledged) check(t *testing.T, d *daemon, boss shownKey) {
	t.Helper()
	states := map[string]document{}
	for _, k := range d.as(boss.Key).get(t, "/api/1/keys/").list("keys") {
		states[k.text("id")] = k
	}
	recorded := map[string]bool{}
	for _, e := range d.audit(t) { // its chain is whole, too
		recorded[e.Action+" "+e.Target] = e.Outcome == "ok"
	}
	says(t, "cmed audit verify", d.locally(t, 0, "audit", "verify").out, "is whole")
	opened := 0
	for i, key := range a.made {
		revoked, asked := a.revoked[key.ID]
		state := states[key.ID]
		switch live := state["live"]; {
		case state == nil || !asked && live != true || revoked && live != false:
			t.Errorf("key %s: revocation asked for: %v, acknowledged: %v; it is %v", key.ID, asked, revoked, state)
		case !recorded["create_key "+key.ID], revoked && !recorded["revoke_key "+key.ID]:
			t.Errorf("key %s: what was done with it is not on record", key.ID)
		}
		if !asked && i%5 == 0 {
			d.as(key.Key).get(t, "/api/1/me")
			opened++
		}
	}
	if opened == 0 {
		t.Error("no key was tried: this tests nothing")
	}
}
