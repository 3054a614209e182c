//go:build linux

package host

import (
	"os"
	"os/exec"
	"path/filepath"
	"testing"

	"github.com/hashicorp/go-hclog"
	"github.com/hashicorp/go-plugin"

	"github.com/chaos-monkey-engine/cmed/internal/engine"
	"github.com/chaos-monkey-engine/cmed/sdk/pluginv1"

	"google.golang.org/grpc"
)

// BenchmarkColdRun is one isolated run: launch, run, nothing left. Its limit is
// BenchmarkBareGoPlugin: compare the two of one run of the benchmarks.
func BenchmarkColdRun(b *testing.B) {
	benchmarkRuns(b, func(*Config) {})
}

// BenchmarkColdRunInACgroup is the same with a cgroup for each process.
func BenchmarkColdRunInACgroup(b *testing.B) {
	dir := newCgroup(b)
	benchmarkRuns(b, func(c *Config) { c.Cgroup = dir })
}

// BenchmarkColdRunConfined is the same with Landlock.
func BenchmarkColdRunConfined(b *testing.B) {
	needsLandlock(b)
	benchmarkRuns(b, func(c *Config) { c.Confine = []Confinement{{Ref: "*:*"}} })
}

func benchmarkRuns(b *testing.B, change func(*Config)) {
	cfg := newConfig(b)
	change(&cfg)
	install(b, cfg.AttacksDir, "odd", "")
	h := open(b, cfg)
	o := h.offer(engine.KindAttack, "odd:Odd")
	sink := &record{}
	for b.Loop() {
		p, err := h.Launch(b.Context(), o, engine.NewExecutorID())
		if err != nil {
			b.Fatal(err)
		}
		if exit := p.Run(b.Context(), startIn("ok"), sink); !exit.Finished {
			b.Fatalf("%+v", exit)
		}
	}
}

// BenchmarkBareGoPlugin is the same plugin under go-plugin's own client, with
// nothing of ours around it.
func BenchmarkBareGoPlugin(b *testing.B) {
	binary := filepath.Join(b.TempDir(), "odd")
	if err := os.WriteFile(binary, oddBinary, 0o700); err != nil {
		b.Fatal(err)
	}
	for b.Loop() {
		bareRun(b, binary)
	}
}

func bareRun(b *testing.B, binary string) {
	cmd := exec.Command(binary)
	cmd.Env = []string{pluginv1.EnvPluginPath + "=" + binary}
	client := plugin.NewClient(&plugin.ClientConfig{
		HandshakeConfig: plugin.HandshakeConfig{
			MagicCookieKey: pluginv1.CookieKey, MagicCookieValue: pluginv1.CookieValue,
		},
		VersionedPlugins: map[int]plugin.PluginSet{pluginv1.Version: {pluginv1.Name: connection{}}},
		AllowedProtocols: []plugin.Protocol{plugin.ProtocolGRPC},
		Cmd:              cmd, SkipHostEnv: true, Logger: hclog.NewNullLogger(),
	})
	defer client.Kill()
	protocol, err := client.Client()
	if err != nil {
		b.Fatal(err)
	}
	conn, err := protocol.Dispense(pluginv1.Name)
	if err != nil {
		b.Fatal(err)
	}
	stream, err := pluginv1.NewPluginClient(conn.(*grpc.ClientConn)).Run(b.Context())
	if err != nil {
		b.Fatal(err)
	}
	if err := stream.Send(startMessage("odd:Odd", startIn("ok"), 0)); err != nil {
		b.Fatal(err)
	}
	for {
		m, err := stream.Recv()
		if err != nil {
			b.Fatal(err)
		}
		if m.GetFinished() != nil {
			return
		}
	}
}

// BenchmarkIsolationReadBack is what a launch pays for knowing what confines its
// process.
func BenchmarkIsolationReadBack(b *testing.B) {
	h := openOdd(b)
	p, ok := h.launch("odd:Odd").(*process)
	if !ok {
		b.Fatal("a process of another kind")
	}
	defer p.Discard()
	for b.Loop() {
		if names := h.isolationOf(p.child, p.runner.folder(), p.runner.cage); len(names) < len(common) {
			b.Fatal(names)
		}
	}
}

// BenchmarkScanUnchanged looks at 200 files that have not changed.
func BenchmarkScanUnchanged(b *testing.B) {
	cfg := newConfig(b)
	for i := range 200 {
		small := []byte("#!/bin/sh\necho '{\"protocol\":1,\"offers\":[{\"ref\":\"p" + string(rune('a'+i%26)) +
			string(rune('a'+i/26)) + ":P\",\"kind\":\"attack\",\"schema\":{\"type\":\"object\"}}]}'\n")
		name := filepath.Join(cfg.AttacksDir, "p"+string(rune('a'+i%26))+string(rune('a'+i/26)))
		if err := os.WriteFile(name, small, 0o700); err != nil {
			b.Fatal(err)
		}
	}
	warm := open(b, cfg)
	if err := warm.Rescan(b.Context()); err != nil {
		b.Fatal(err)
	}
	if err := warm.Close(); err != nil {
		b.Fatal(err)
	}
	for b.Loop() {
		h, err := New(cfg)
		if err != nil {
			b.Fatal(err)
		}
		if err := h.Start(b.Context()); err != nil {
			b.Fatal(err)
		}
		if n := len(h.Offers(engine.KindAttack)); n != 200 {
			b.Fatalf("%d offers", n)
		}
		if err := h.Close(); err != nil {
			b.Fatal(err)
		}
	}
}
