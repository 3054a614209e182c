package host

import (
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/chaos-monkey-engine/cmed/internal/engine"
	"github.com/chaos-monkey-engine/cmed/internal/host/internal/landlock"
	"github.com/chaos-monkey-engine/cmed/internal/host/internal/sandbox"
)

// sightings collects what a trial saw.
type sightings struct {
	mu  sync.Mutex
	all []Sighting
}

func (s *sightings) add(what Sighting) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.all = append(s.all, what)
}

// of returns the details of a kind, of all calls.
func (s *sightings) of(kind SightingKind) []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	var out []string
	for _, what := range s.all {
		if what.Kind == kind {
			out = append(out, what.Detail)
		}
	}
	return out
}

// forget starts anew.
func (s *sightings) forget() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.all = nil
}

// openTrial opens a host on the test plugin that tries it out.
func openTrial(t testing.TB, inSandbox bool, changes ...func(*Config)) (*bench, *sightings) {
	t.Helper()
	cfg, saw := newConfig(t), &sightings{}
	cfg.Trial = &Trial{Sandbox: inSandbox, Saw: saw.add}
	for _, change := range changes {
		change(&cfg)
	}
	install(t, cfg.AttacksDir, "odd", "")
	needsSandbox(t, cfg)
	b := open(t, cfg)
	return b, saw
}

// needsSandbox skips a test that the kernel can't run.
func needsSandbox(t testing.TB, cfg Config) {
	t.Helper()
	if !cfg.Trial.Sandbox {
		return
	}
	if err := sandbox.Probe(onOwnThread); errors.Is(err, sandbox.ErrUnsupported) {
		t.Skip("needs seccomp with user notification: ", err)
	} else if err != nil {
		t.Fatal(err)
	}
}

func TestASandboxedRunIsKeptFromFilesAndNetworks(t *testing.T) {
	outside := t.TempDir()
	write(t, outside+"/there", "here", 0o600)
	stranger := exec.Command("/bin/sleep", "600")
	if err := stranger.Start(); err != nil {
		t.Fatal(err)
	}
	defer func() { _ = stranger.Process.Kill(); _ = stranger.Wait() }()
	pid := strconv.Itoa(stranger.Process.Pid)
	b, saw := openTrial(t, true)
	beside := filepath.Join(b.cfg.AttacksDir, ".odd.")
	if got := saw.of(SawWrite); !slices.Equal(got, []string{beside + "describe"}) {
		t.Errorf("while it described itself, seen %v", got)
	}
	saw.forget()
	may := []string{
		"write here", "read here", "sink /dev/null", "read " + outside + "/there", "listen unix own.sock",
		"sh mkdir -p a/b && mv a c && chmod 700 c && rm -r c", "sh ln -s there link && ln here second && truncate -s 0 second && touch here",
		"sh echo x > /dev/null; echo y >&2", "sh mkdir -p " + outside, "sh rm -f " + outside + "/missing",
		"sh echo 100 > /proc/self/oom_score_adj", "sh sleep 600 & kill $!",
	}
	mayNot := []struct {
		what string
		kind SightingKind
		seen string
	}{
		{"write " + outside + "/new", SawWrite, outside + "/new"},
		{"sh echo x > " + outside + "/shell", SawWrite, outside + "/shell"},
		{"sh ln -s " + outside + " out && echo x > out/through", SawWrite, outside + "/through"},
		{"sh rm " + outside + "/there", SawWrite, outside + "/there"},
		{"listen unix " + outside + "/socket", SawWrite, outside + "/socket"},
		{"dial tcp 127.0.0.1:9", SawNetwork, "127.0.0.1:9"},
		{"dial tcp [::1]:9", SawNetwork, "[::1]:9"},
		{"dial udp 127.0.0.1:9", SawNetwork, "IPv4 (datagram)"},
		{"dial unix /run/docker.sock", SawNetwork, "unix:/run/docker.sock"},
		{"dial unix @abstract", SawNetwork, "unix:@abstract"},
		{"listen tcp 127.0.0.1:0", SawNetwork, "listening on 127.0.0.1:"},
		{"sh kill -TERM " + pid, SawSignal, "SIGTERM to sleep (" + pid + ")"},
	}
	acts := slices.Clone(may)
	for _, m := range mayNot {
		acts = append(acts, m.what)
	}
	got, isolation, exit := b.attempting(acts...)
	if !exit.Finished || !slices.Contains(isolation, "seccomp") {
		t.Fatalf("%v, %+v", isolation, exit)
	}
	for _, what := range may {
		allowed(t, got, what)
	}
	for _, m := range mayNot {
		if !strings.HasPrefix(got[m.what], "error: ") {
			t.Errorf("%s: %q", m.what, got[m.what])
		}
		if !slices.ContainsFunc(saw.of(m.kind), func(s string) bool { return strings.HasPrefix(s, m.seen) }) {
			t.Errorf("%s was not seen", m.what)
		}
	}
	// The test plugin counts its runs in a file beside it.
	if writes := saw.of(SawWrite); len(writes) != 6 || writes[0] != beside+"run" {
		t.Errorf("seen %v", writes)
	}
	if text, err := os.ReadFile(outside + "/there"); err != nil || string(text) != "here" {
		t.Errorf("the file outside holds %q, %v", text, err)
	}
}

// TestEveryCallIsInTheSandbox makes calls of all kinds.
func TestEveryCallIsInTheSandbox(t *testing.T) {
	b, saw := openTrial(t, true)
	if exit, _ := b.perform(t.Context(), "ok"); !exit.Finished {
		t.Errorf("%+v", exit)
	}
	o := b.offer("attack", "odd:Odd")
	if _, err := b.Check(t.Context(), o, configIn("ok")); err != nil {
		t.Error(err)
	}
	p := b.launch("odd:Odd")
	if !slices.Contains(p.Isolation(), "seccomp") {
		t.Errorf("isolation %v", p.Isolation())
	}
	p.Discard()
	if entries, err := os.ReadDir(b.cfg.AttacksDir); err != nil || len(entries) != 1 {
		t.Errorf("files beside the plugin: %v, %v", entries, err)
	}
	if len(saw.of(SawProcess))+len(saw.of(SawNetwork)) > 0 {
		t.Errorf("seen %v", saw.all)
	}
}

func TestASandboxEndsWithItsProcess(t *testing.T) {
	b, saw := openTrial(t, true)
	for _, mode := range []string{"die", "session", "orphan", "panic"} {
		saw.forget()
		b.perform(t.Context(), mode)
		b.checkNothingLeft(t)
		left := saw.of(SawProcess)
		if wants := mode == "session" || mode == "orphan"; wants != (len(left) == 1 && left[0] == "sleep 600") {
			t.Errorf("%s: seen %v", mode, left)
		}
	}
}

// TestAProcessThatShakesOffItsMarkIsSeenAndEnded has one clear its environment and
// leave its group, where there is no cgroup to find it by. Its sandbox is not empty
// then.
func TestAProcessThatShakesOffItsMarkIsSeenAndEnded(t *testing.T) {
	b, saw := openTrial(t, true, func(c *Config) { c.Cgroup = "off" })
	got, _, _ := b.attempting("escape")
	pid, err := strconv.Atoi(got["escape"])
	if err != nil {
		t.Fatal(got)
	}
	if left := saw.of(SawProcess); !slices.Equal(left, []string{"/bin/sleep 600 (it has shaken off its mark)"}) {
		t.Errorf("seen %v", left)
	}
	if err := unix.Kill(pid, 0); !errors.Is(err, unix.ESRCH) {
		t.Errorf("it lives on: %v", err)
		_ = unix.Kill(pid, unix.SIGKILL)
	}
}

// TestWhatIsNotInASandboxHasNotEscaped checks that of the children of this process,
// by birth or adoption, only those are ended that a sandbox was left with.
func TestWhatIsNotInASandboxHasNotEscaped(t *testing.T) {
	stranger := exec.Command("/bin/sleep", "600")
	stranger.Env = []string{}
	if err := stranger.Start(); err != nil {
		t.Fatal(err)
	}
	defer func() { _ = stranger.Process.Kill(); _ = stranger.Wait() }()
	adopted := exec.Command("/bin/sh", "-c", "env -i setsid sleep 600 >/dev/null 2>&1 & echo $!")
	text, err := adopted.Output()
	if err != nil {
		t.Fatal(err)
	}
	orphan, err := strconv.Atoi(strings.TrimSpace(string(text)))
	if err != nil {
		t.Fatal(err)
	}
	defer func() {
		_ = unix.Kill(orphan, unix.SIGKILL)
		eventually(t, func() error {
			_, err := unix.Wait4(orphan, nil, 0, nil)
			return err
		})
	}()
	b, _ := openTrial(t, true, func(c *Config) { c.Cgroup = "off" })
	o := b.launch("odd:Odd") // of another call, and alive
	defer o.Discard()
	b.attempting("escape")
	for _, pid := range []int{stranger.Process.Pid, orphan, pidOf(t, o)} {
		if state, _ := processState(pid); state == 0 || state == 'Z' {
			t.Errorf("%d was ended", pid)
		}
	}
}

// pidOf is the number of a process.
func pidOf(t *testing.T, p engine.Process) int {
	t.Helper()
	plugin, ok := p.(*process)
	if !ok {
		t.Fatalf("a %T", p)
	}
	return plugin.child.pid
}

// BenchmarkRunInSandbox is to be compared with a run outside.
func BenchmarkRunInSandbox(b *testing.B) {
	for _, in := range []bool{false, true} {
		b.Run(map[bool]string{false: "free", true: "sandboxed"}[in], func(b *testing.B) {
			h, _ := openTrial(b, in)
			for b.Loop() {
				h.perform(b.Context(), "ok")
			}
		})
	}
}

// TestTheKernelHoldsWhatIsChangedBehindTheSandbox checks that a path that leads
// elsewhere by the time of the call gains nothing.
func TestTheKernelHoldsWhatIsChangedBehindTheSandbox(t *testing.T) {
	if _, err := landlock.Version(); err != nil {
		t.Skip("needs Landlock: ", err)
	}
	outside := t.TempDir()
	b, _ := openTrial(t, true)
	if got, _, exit := b.attempting("race " + outside); !exit.Finished || got["race "+outside] != "" {
		t.Errorf("%v, %+v", got, exit)
	}
	if entries, err := os.ReadDir(outside); err != nil || len(entries) > 0 {
		t.Errorf("%d files got out, %v", len(entries), err)
	}
}
