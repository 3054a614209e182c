//go:build linux

package host

import (
	"bytes"
	"encoding/json"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/chaos-monkey-engine/cmed/internal/engine"
)

func TestTheLastOfSeveralVariablesCountsAndIsTheOnlyOne(t *testing.T) {
	own := []string{"HOME=private", "PATH=/bin", "HOME=again"}
	granted := []string{"HOME=/root", "X=1"}
	got := overlay(own, granted, []string{"X=2=3", "bare"})
	if want := []string{"HOME=/root", "PATH=/bin", "X=2=3", "bare"}; !slices.Equal(got, want) {
		t.Errorf("%q, want %q", got, want)
	}
	if !slices.Equal(own, []string{"HOME=private", "PATH=/bin", "HOME=again"}) {
		t.Errorf("it changed what it was given: %q", own)
	}
}

func TestWhatIsWithheld(t *testing.T) {
	environ := []string{"AWS_REGION=r", "HOME=h", "PATH=p"}
	for _, test := range []struct{ asked, granted, want string }{
		{"AWS_*,HOME,OTHER", "", "AWS_*"},
		{"AWS_*,HOME,AWS_REGION", "AWS_*", ""},
		{"AWS_REGION,XDG_*", "HOME", "AWS_REGION"},
		{"AWS_*", "AWS_REGION", ""}, // in part: as the operator wanted it
		{"GCP_*", "", ""},
		{"HOME", "", ""},
	} {
		cfg := Config{Grants: []Grant{{Ref: "a:A", Vars: list(test.granted)}}}
		if got := strings.Join(cfg.withheld("a:A", list(test.asked), environ), ","); got != test.want {
			t.Errorf("%+v: %s", test, got)
		}
	}
}

// environmentOf runs the test plugin and returns what it found itself in.
func environmentOf(t *testing.T, b *bench) (env []string, dir string) {
	t.Helper()
	_, sink := b.perform(t.Context(), "env")
	var got struct {
		Env []string
		Dir string
	}
	if err := json.Unmarshal(sink.result, &got); err != nil {
		t.Fatal(err)
	}
	return got.Env, got.Dir
}

func TestAGrantedHomeReplacesThePrivateOneAndNothingElseCanBe(t *testing.T) {
	t.Setenv("ODD_HOME", "/root/odd")
	t.Setenv("TZ", "Asia/Tokyo")
	cfg := newConfig(t)
	cfg.Grants = []Grant{{Ref: "*", Vars: []string{"*"}}}
	install(t, cfg.AttacksDir, "odd", "wants-all")
	b := open(t, cfg)
	env, dir := environmentOf(t, b)
	home := "HOME=" + os.Getenv("HOME")
	for _, want := range []string{home, "ODD_HOME=/root/odd", "TZ=UTC", "TMPDIR=" + dir, "PATH=" + searchPath, "LANG=C.UTF-8"} {
		if !slices.Contains(env, want) {
			t.Errorf("no %s in %q", want, env)
		}
	}
	names := map[string]int{}
	for _, entry := range env {
		name, _, _ := strings.Cut(entry, "=")
		if names[name]++; names[name] > 1 {
			t.Errorf("%s is there twice: %q", name, env)
		}
	}
	if names["CMED_SCRIPTS_FOLDER"] != 0 {
		t.Errorf("it is told of a scripts folder: %q", env)
	}
}

// What is passed on is taken from the process itself, not from what it says.
func TestTheKernelSeesNoVariableTwice(t *testing.T) {
	cfg := newConfig(t)
	cfg.Grants = []Grant{{Ref: "odd:*", Vars: []string{"HOME"}}}
	install(t, cfg.AttacksDir, "odd", "")
	b := open(t, cfg)
	p := b.launch("odd:Odd")
	defer p.Discard()
	environ, err := os.ReadFile("/proc/" + strconv.Itoa(p.PID()) + "/environ")
	if err != nil {
		t.Fatal(err)
	}
	if n := bytes.Count(append([]byte{0}, environ...), []byte("\x00HOME=")); n != 1 {
		t.Errorf("HOME is there %d times: %q", n, environ)
	}
}

func TestTheHintKeepsTheDefaultGrants(t *testing.T) {
	t.Setenv("WANTED", "1")
	cfg := newConfig(t)
	cfg.DefaultGrants = true
	install(t, cfg.AttacksDir, "odd", "")
	b := open(t, cfg)
	f, _ := b.plugin(engine.KindAttack, "odd")
	if want := "--plugin-env default --plugin-env 'odd:Odd=ODD_*,WANTED,HOME'"; f.EnvHint != want {
		t.Errorf("hint %s, want %s", f.EnvHint, want)
	}
	if !slices.Equal(f.EnvRefused, []string{"HOME", "ODD_*", "WANTED"}) {
		t.Errorf("refused %q", f.EnvRefused)
	}
	o := b.offer(engine.KindAttack, "odd:Odd")
	if !slices.Equal(o.EnvWithheld, []string{"WANTED"}) || o.EnvHint != "--plugin-env default --plugin-env 'odd:Odd=WANTED'" {
		t.Errorf("withheld %q, hint %s", o.EnvWithheld, o.EnvHint)
	}
}

func TestAPluginMayNotAskForWhatCmedSets(t *testing.T) {
	cfg := newConfig(t)
	install(t, cfg.AttacksDir, "greedy", "")
	b := open(t, cfg)
	f, _ := b.plugin(engine.KindAttack, "greedy")
	if f.State != engine.PluginBroken || f.Error.Message != `greedy:Odd: "PATH" can't be asked for as an environment variable` {
		t.Errorf("%+v, %+v", f, f.Error)
	}
}

func TestTheScriptsFolderIsAbsolute(t *testing.T) {
	cfg := newConfig(t)
	t.Chdir(filepath.Dir(cfg.AttacksDir))
	cfg.ScriptsDir = "scripts/"
	install(t, cfg.AttacksDir, "odd", "")
	env, _ := environmentOf(t, open(t, cfg))
	if want := "CMED_SCRIPTS_FOLDER=" + filepath.Join(filepath.Dir(cfg.AttacksDir), "scripts"); !slices.Contains(env, want) {
		t.Errorf("no %s in %q", want, env)
	}
}
