//go:build linux

package host

import (
	"fmt"
	"os"
	"path/filepath"
	"testing"

	"github.com/chaos-monkey-engine/cmed/internal/engine"
)

// TestAGivenPathThatIsTurnedIntoALinkShowsNothing: what one run may change can't
// give the next one the daemon's own.
func TestAGivenPathThatIsTurnedIntoALinkShowsNothing(t *testing.T) {
	needsLandlock(t)
	cfg := newConfig(t)
	given := t.TempDir()
	sub := filepath.Join(given, "sub")
	if err := os.Mkdir(sub, 0o700); err != nil {
		t.Fatal(err)
	}
	cfg.Confine = []Confinement{{Ref: "odd:*", Paths: []string{given}}, {Ref: "odd:Odd", Paths: []string{sub}}}
	install(t, cfg.AttacksDir, "odd", "")
	b := open(t, cfg)
	token := filepath.Join(b.cfg.StateDir, "token")
	write(t, token, "secret", 0o600)
	// As a run may: it can change all beneath given.
	turn := "exec /bin/ln -sfn " + b.cfg.StateDir + " " + given + "/new"
	move := "exec /bin/mv -T " + given + "/new " + sub + "2"
	remove := "exec /bin/rmdir " + sub
	last := "exec /bin/mv -T " + sub + "2 " + sub
	got, _, _ := b.attempting(turn, move, remove, last)
	t.Log(got)
	p, err := b.Launch(t.Context(), mustOffer(t, b), engine.NewExecutorID())
	if err != nil {
		t.Log("not started, which is as good: ", err)
		return
	}
	p.Discard()
	got, _, _ = b.attempting("read "+token, "write "+b.copies.path("evil"))
	denied(t, got, "read "+token)
	denied(t, got, "write "+b.copies.path("evil"))
}

func mustOffer(t *testing.T, b *bench) engine.Offer {
	t.Helper()
	o, err := b.Offer(engine.KindAttack, "odd:Odd")
	if err != nil {
		t.Fatal(err)
	}
	return o
}

// TestAConfinedRunCannotSignalTheDaemon: it is kept to files, and yet could end
// what watches over it.
func TestAConfinedRunCannotSignalTheDaemon(t *testing.T) {
	needsLandlock(t)
	cfg := newConfig(t)
	cfg.Confine = []Confinement{{Ref: "odd:*"}}
	install(t, cfg.AttacksDir, "odd", "")
	b := open(t, cfg)
	kill := fmt.Sprintf("exec /bin/kill -0 %d", os.Getpid())
	got, _, _ := b.attempting(kill)
	if a := got[kill]; a == "" {
		t.Errorf("a confined run may send the daemon any signal: %q", a)
	}
}
