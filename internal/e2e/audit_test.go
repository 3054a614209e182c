package e2e

import (
	"bufio"
	"bytes"
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"encoding/json"
	"net/http"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"go.etcd.io/bbolt"
)

// audited is an entry of the audit, as it is exported.
type audited struct {
	Seq                                              uint64
	Who, Role, From, Action, Target, Outcome, Detail string
	Before, Hash, Key                                string
	Status                                           int
	At                                               time.Time
}

var hashMember = regexp.MustCompile(`"hash":"[0-9a-f]{64}"}$`)

// audit exports the audit and verifies its chain with nothing of the daemon's: the
// hash of each entry is of its own line without it, and the next one carries it.
func (d *daemon) audit(t testing.TB) []audited {
	t.Helper()
	var entries []audited
	before := ""
	lines := bufio.NewScanner(strings.NewReader(d.locally(t, 0, "audit", "export").out))
	for lines.Scan() {
		var e audited
		if err := json.Unmarshal(lines.Bytes(), &e); err != nil {
			t.Fatalf("%v: %s", err, lines.Bytes())
		}
		bare := hashMember.ReplaceAll(lines.Bytes(), []byte(`"hash":""}`))
		sum := sha256.Sum256(bare)
		if e.Seq != uint64(len(entries)+1) || e.Before != before || e.Hash != hex.EncodeToString(sum[:]) {
			t.Fatalf("the chain does not hold at %s", lines.Bytes())
		}
		before = e.Hash
		entries = append(entries, e)
	}
	return entries
}

// awaitAudited waits for an entry about what did not come over the API: nobody
// waits for it to be stored.
func (c client) awaitAudited(t testing.TB, from string) {
	t.Helper()
	waitFor(t, patience, "an entry from "+from, func() bool {
		return slices.ContainsFunc(c.get(t, "/api/1/audit/").list("entries"), func(e document) bool { return e.text("from") == from })
	})
}

// mixedSession does one of each thing that is on record, and returns them as the
// audit has to have them.
func mixedSession(t *testing.T, d *daemon) []string {
	t.Helper()
	plan, executors := d.postPlan(t, sleepPlan(tomorrow()))
	d.refused(t, goodAnd(`"timezone":"X/Y"`), http.StatusBadRequest, "")
	d.move(t, executors[0], tomorrow().Add(time.Hour))
	d.engage(t, "ana", "the shop is down")
	d.delete(t, leverPath, http.StatusOK)
	file := filepath.Join(d.state, "halt")
	d.signal(t, syscall.SIGUSR1)
	d.awaitAudited(t, "signal")
	d.delete(t, leverPath, http.StatusOK)
	touch(t, file, "maintenance")
	d.awaitAudited(t, "halt file")
	d.refused(t, request{method: http.MethodDelete, path: leverPath}, http.StatusConflict, "")
	remove(t, file)
	d.delete(t, leverPath, http.StatusOK)
	d.delete(t, "/api/1/plans/"+plan, http.StatusOK)
	drop(t, built.testPlugin, d.attacks, "dropped")
	d.offers(t, "dropped:Count", true)
	boss, ann := d.makeKey(t, "boss", "admin"), d.makeKey(t, "ann", "viewer")
	d.as(ann.Key).refused(t, request{method: http.MethodPut, path: leverPath}, http.StatusForbidden, "")
	d.as(strangersKey).refused(t, get("/api/1/me"), http.StatusUnauthorized, "")
	d.as(boss.Key).get(t, "/api/1/me") // a reading is not on record
	d.as(boss.Key).delete(t, "/api/1/keys/"+ann.ID, http.StatusOK)
	d.as(boss.Key).send(t, get("/api/1/backup"))
	return []string{
		"create_plan ok by anybody from 127.0.0.1", "create_plan refused by anybody from 127.0.0.1",
		"move_executor ok by anybody from 127.0.0.1 to " + executors[0],
		"engage_lever ok by anybody from 127.0.0.1", "release_lever ok by anybody from 127.0.0.1",
		"engage_lever ok by cmed from signal", "release_lever ok by anybody from 127.0.0.1",
		"engage_lever ok by cmed from halt file to " + file, "release_lever refused by anybody from 127.0.0.1",
		"release_lever ok by anybody from 127.0.0.1", "delete_plan ok by anybody from 127.0.0.1 to " + plan,
		"create_key ok by this machine's administrator from socket to " + boss.ID,
		"create_key ok by this machine's administrator from socket to " + ann.ID,
		"engage_lever refused by ann from 127.0.0.1", "login refused by nobody from 127.0.0.1", "revoke_key ok by boss from 127.0.0.1 to " + ann.ID,
		"backup ok by boss from 127.0.0.1",
	}
}

// Everything that was done is on record in its order, in a chain that others can
// verify; so is what was tried.
func TestTheAuditHoldsASession(t *testing.T) {
	t.Parallel()
	d := start(t)
	want := mixedSession(t, d)
	var got []string
	dropped := false
	for _, e := range d.audit(t) {
		if e.From == "plugin folder" { // comes when it comes
			dropped = dropped || e.Action == "plugin_ready" && e.Target == "attack/dropped"
			continue
		}
		line := e.Action + " " + e.Outcome + " by " + e.Who + " from " + e.From
		if e.Target != "" && e.Action != "create_plan" {
			line += " to " + e.Target
		}
		got = append(got, line)
		if e.At.IsZero() || time.Since(e.At) > time.Hour {
			t.Errorf("entry %d is of %s", e.Seq, e.At)
		}
	}
	if !slices.Equal(got, want) {
		t.Errorf("on record is\n%s\nwant\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
	}
	if !dropped {
		t.Error("the plugin that was added is not on record")
	}
	d.kill(t)
	d.restart(t)
	says(t, "cmed audit verify", d.locally(t, 0, "audit", "verify").out, "is whole")
	says(t, "cmed audit list", d.locally(t, 0, "audit", "list").out, "engage_lever", "the shop is down", "socket")
}

// What was changed or removed behind the daemon's back is named.
func TestATamperedAuditIsNoticed(t *testing.T) {
	t.Parallel()
	d := start(t, withoutPlugins())
	for range 4 {
		d.engage(t, "ana", "a drill")
		d.delete(t, leverPath, http.StatusOK)
	}
	says(t, "cmed audit verify", d.cmed(t, 0, "audit", "verify").out, "the chain of 8 entries is whole")
	d.stop(t)
	d.alterAudit(t, 5, func(value []byte) []byte {
		at := bytes.Index(value, []byte("a drill"))
		if at < 0 {
			t.Fatalf("the entry is %s", value)
		}
		value[at] = 'A'
		return value
	})
	says(t, "cmed store check", d.cmed(t, 1, "store", "check", "--database-uri", d.database).out, "entry 5")
	d.restart(t)
	says(t, "cmed audit verify", d.cmed(t, 1, "audit", "verify").err, "the chain is broken at entry 5", "is not what it was when it was written")
	d.stop(t)
	d.alterAudit(t, 3, func([]byte) []byte { return nil })
	d.restart(t)
	says(t, "cmed audit verify", d.cmed(t, 1, "audit", "verify").err, "entry 4 follows entry 2", "is gone")
}

// alterAudit changes an entry in the file of a daemon that does not run; nil
// removes it.
func (d *daemon) alterAudit(t testing.TB, seq uint64, change func([]byte) []byte) {
	t.Helper()
	db, err := bbolt.Open(d.database, 0o600, &bbolt.Options{Timeout: patience})
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	err = db.Update(func(tx *bbolt.Tx) error {
		entries := tx.Bucket([]byte("audit"))
		key, value := entries.Cursor().Seek(binary.BigEndian.AppendUint64(nil, seq))
		if key == nil || binary.BigEndian.Uint64(key) != seq {
			t.Fatalf("there is no entry %d", seq)
		}
		if changed := change(bytes.Clone(value)); changed != nil {
			return entries.Put(bytes.Clone(key), changed)
		}
		return entries.Delete(bytes.Clone(key))
	})
	if err != nil {
		t.Fatal(err)
	}
}
