package install

import (
	"archive/tar"
	"debug/elf"
	"fmt"
	"io"
	"net"
	"net/http"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/chaos-monkey-engine/cmed/internal/dockertest"
)

// firstKey finds the key that the first start prints.
var firstKey = regexp.MustCompile(`(?m)^The first API key, .*: (cmed_\S+)$`)

// The image as a user runs it: docker run, and nothing else said. Only the port is
// another, since the network is this machine's.
func TestTheImageRuns(t *testing.T) {
	t.Parallel()
	engine := dockertest.Start(t)
	r := readDockerfile(t)
	image := engine.Import(t, r.files(t, programs(t).image), r.others...)
	port := freePort(t)
	id := engine.RunContainer(t, dockertest.Container{
		Image: image, Command: []string{"--port", port}, Network: "host", HealthInterval: time.Second, StopSeconds: 30,
	})
	base := "http://127.0.0.1:" + port
	output := func() string { return engine.Output(t, id, false) + engine.Output(t, id, true) }
	awaitReady := func(times int) {
		t.Helper()
		if !within(patience, func() bool {
			return strings.Count(engine.Output(t, id, false), "is ready: ") == times || engine.State(t, id) == "exited"
		}) || engine.State(t, id) != "running" {
			t.Fatalf("it is %s: %s", engine.State(t, id), output())
		}
	}
	awaitReady(1)
	said := firstKey.FindStringSubmatch(engine.Output(t, id, false))
	if said == nil {
		t.Fatalf("it printed no key: %s", output())
	}
	key := said[1]
	if strings.Contains(engine.Output(t, id, true), key) {
		t.Error("the key is in its log")
	}
	if !strings.Contains(engine.Output(t, id, false), ", 0 broken;") {
		t.Errorf("not all plugins work: %s", output())
	}
	if strings.Contains(output(), "isolated less than they should be") {
		t.Errorf("the container takes something from the plugins' isolation: %s", output())
	}
	c := &http.Client{Timeout: patience}
	defer c.CloseIdleConnections()
	checkAnswers(t, c, base, key)

	service := plan(t, c, base, key, "api_request:ApiRequest", map[string]any{
		"endpoint": base + "/healthz", "method": "GET", "expect_status": 200,
	})
	await(t, c, base, key, service, "succeeded")
	checkHealthy(t, engine, id)
	checkUser(t, engine, id)

	engine.Restart(t, id)
	awaitReady(2)
	if keys := firstKey.FindAllString(engine.Output(t, id, false), -1); len(keys) != 1 {
		t.Errorf("after a second start it has printed %d keys", len(keys))
	}
	checkAnswers(t, c, base, key)
	if doc := await(t, c, base, key, service, "succeeded"); doc["id"] != service {
		t.Errorf("the run is forgotten: %v", doc)
	}
	var state struct{ State struct{ ExitCode int } }
	if engine.Inspect(t, id, &state); state.State.ExitCode != 0 {
		t.Errorf("exit code %d", state.State.ExitCode)
	}
}

// checkAnswers fails unless the API is closed but for who has the key.
func checkAnswers(t *testing.T, c *http.Client, base, key string) {
	t.Helper()
	wrong := key[:len(key)-4] + "AAAA"
	for with, want := range map[string]int{"": http.StatusUnauthorized, wrong: http.StatusUnauthorized, key: http.StatusOK} {
		if status, doc := ask(t, c, "GET", base+"/api/1/plans/", with, nil); status != want {
			t.Errorf("with the key %.10q the answer is %d, want %d: %v", with, status, want, doc)
		}
	}
	if _, me := ask(t, c, "GET", base+"/api/1/me", key, nil); me["role"] != "admin" {
		t.Errorf("the first key is of %v", me)
	}
}

func checkHealthy(t *testing.T, engine *dockertest.Engine, id string) {
	t.Helper()
	var c struct {
		State struct {
			Health struct {
				Status string
				Log    []struct{ Output string }
			}
		}
	}
	if !within(patience, func() bool {
		return engine.Inspect(t, id, &c) && c.State.Health.Status == "healthy"
	}) {
		t.Errorf("its health is %+v", c.State.Health)
	}
}

// checkUser fails unless all its processes are those of the numeric user.
func checkUser(t *testing.T, engine *dockertest.Engine, id string) {
	t.Helper()
	var top struct{ Processes [][]string }
	if !engine.Read(t, "/containers/"+id+"/top?ps_args=-o+pid,uid,args", &top) || len(top.Processes) == 0 {
		t.Fatal("it has no processes")
	}
	for _, p := range top.Processes {
		if p[1] != "65532" {
			t.Errorf("a process is user %s's: %v", p[1], p)
		}
	}
}

// What is in the image is static, belongs to root and can't be written by the user,
// but for what is to be.
func TestTheImagesFiles(t *testing.T) {
	t.Parallel()
	all := programs(t)
	archive := tar.NewReader(readDockerfile(t).files(t, all.image))
	writable := map[string]string{}
	var names []string
	for {
		h, err := archive.Next()
		if err == io.EOF {
			break
		}
		if err != nil {
			t.Fatal(err)
		}
		names = append(names, h.Name)
		switch {
		case h.Uid != 0 || h.FileInfo().Mode().Perm()&0o022 != 0:
			writable[h.Name] = fmt.Sprintf("%d:%d %s", h.Uid, h.Gid, h.FileInfo().Mode())
		case h.Typeflag == tar.TypeReg && h.Mode&0o111 != 0 && !strings.HasSuffix(h.Name, ".sh"):
			checkStatic(t, filepath.Join(all.image, "root", h.Name))
		}
	}
	want := map[string]string{"var/lib/cmed": "65532:65532 drwx------", "tmp": "65532:65532 dtrwxrwxrwx"}
	if fmt.Sprint(writable) != fmt.Sprint(want) {
		t.Errorf("the user may write %v, want %v", writable, want)
	}
	for _, name := range []string{
		"usr/local/bin/cmed", "plugins/attacks/compute", "plugins/planners/exact_planner",
		"plugins/scripts/script_attacks/s_burncpu.sh", "etc/ssl/certs/ca-certificates.crt", "etc/passwd",
	} {
		if !slices.Contains(names, name) {
			t.Errorf("there is no %s", name)
		}
	}
}

func checkStatic(t *testing.T, file string) {
	t.Helper()
	program, err := elf.Open(file)
	if err != nil {
		t.Fatalf("%s: %v", file, err)
	}
	defer program.Close()
	for _, segment := range program.Progs {
		if segment.Type == elf.PT_INTERP {
			t.Errorf("%s is linked with libraries", file)
		}
	}
}

// freePort is one that nobody listens on just now.
func freePort(t *testing.T) string {
	t.Helper()
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer ln.Close()
	_, port, err := net.SplitHostPort(ln.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	return port
}
