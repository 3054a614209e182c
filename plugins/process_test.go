package plugins_test

import (
	"bufio"
	"bytes"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"go.uber.org/goleak"
	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials/insecure"

	"github.com/chaos-monkey-engine/cmed/sdk/pluginv1"
)

// binaries is the folder with the plugins, built once a test run.
var binaries string

func TestMain(m *testing.M) {
	os.Exit(buildAndRun(m))
}

func buildAndRun(m *testing.M) int {
	folder, err := os.MkdirTemp("", "plugins")
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	defer func() { _ = os.RemoveAll(folder) }()
	// The go command takes a test's result from its cache unless files changed
	// that the test itself looked at. What go build reads is not among them.
	for _, sources := range []string{".", "../sdk"} {
		if err := filepath.WalkDir(sources, func(_ string, _ fs.DirEntry, err error) error { return err }); err != nil {
			fmt.Fprintln(os.Stderr, err)
			return 1
		}
	}
	build := exec.Command("go", "build", "-o", folder+"/", "./attacks/...", "./planners/...")
	if output, err := build.CombinedOutput(); err != nil {
		fmt.Fprintf(os.Stderr, "build the plugins: %v\n%s", err, output)
		return 1
	}
	binaries = folder
	status := m.Run()
	if err := goleak.Find(); err != nil && status == 0 {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	return status
}

// start runs a plugin as the daemon does and connects to it. When the test ends
// its lifeline is closed, and it must end by itself.
func start(t *testing.T, plugin string) pluginv1.PluginClient {
	t.Helper()
	command := exec.Command(filepath.Join(binaries, plugin))
	command.Env = []string{
		pluginv1.CookieKey + "=" + pluginv1.CookieValue,
		pluginv1.EnvLifeline + "=stdin",
		pluginv1.EnvGrace + "=5s",
		"PLUGIN_PROTOCOL_VERSIONS=1",
		"PLUGIN_UNIX_SOCKET_DIR=" + t.TempDir(),
		"TMPDIR=" + t.TempDir(),
	}
	var stderr bytes.Buffer
	command.Stderr = &stderr
	lifeline, err := command.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	stdout, err := command.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := command.Start(); err != nil {
		t.Fatal(err)
	}
	line, err := bufio.NewReader(stdout).ReadString('\n')
	if err != nil {
		t.Fatalf("read the handshake: %v", err)
	}
	fields := strings.Split(strings.TrimSpace(line), "|") // core version|version|network|address|protocol
	if len(fields) < 5 || fields[2] != "unix" || fields[4] != "grpc" {
		t.Fatalf("the handshake is %q", line)
	}
	connection, err := grpc.NewClient("unix:"+fields[3], grpc.WithTransportCredentials(insecure.NewCredentials()))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = connection.Close()
		_ = lifeline.Close()
		end := time.AfterFunc(10*time.Second, func() {
			t.Errorf("%s outlives its lifeline", plugin)
			_ = command.Process.Kill()
		})
		_ = command.Wait()
		end.Stop()
		if t.Failed() && stderr.Len() > 0 {
			t.Logf("%s: %s", plugin, stderr.String())
		}
	})
	return pluginv1.NewPluginClient(connection)
}
