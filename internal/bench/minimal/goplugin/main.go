// Command goplugin is the least program that go-plugin hosts over gRPC: no SDK,
// no schema, one method. What it does when it is called is what the benchmark's
// attack does.
package main

import (
	"context"
	"time"

	"github.com/hashicorp/go-hclog"
	"github.com/hashicorp/go-plugin"

	"github.com/chaos-monkey-engine/cmed/internal/bench/minimal/contract"
	"github.com/chaos-monkey-engine/cmed/internal/bench/minimal/stamp"
)

type runner struct{}

// Run notes when it was called.
func (runner) Run(_ context.Context, path string) error {
	at := time.Now()
	return stamp.Write(path, contract.Name, at)
}

func main() {
	plugin.Serve(&plugin.ServeConfig{
		HandshakeConfig: contract.Handshake,
		Plugins:         plugin.PluginSet{contract.Name: &contract.Plugin{Impl: runner{}}},
		GRPCServer:      plugin.DefaultGRPCServer,
		Logger:          hclog.NewNullLogger(),
	})
}
