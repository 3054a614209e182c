package main

import (
	"context"
	"fmt"
	"os/exec"

	"github.com/hashicorp/go-hclog"
	"github.com/hashicorp/go-plugin"

	"github.com/chaos-monkey-engine/cmed/internal/bench/minimal/contract"
)

// minimalPlugin is a process of the minimal go-plugin program, hosted as
// go-plugin's documentation shows it.
type minimalPlugin struct {
	client *plugin.Client
	runner contract.Runner
}

// startMinimal starts the program and makes its handshake. Call stop when done.
func startMinimal(program string) (*minimalPlugin, error) {
	client := plugin.NewClient(&plugin.ClientConfig{
		HandshakeConfig:  contract.Handshake,
		Plugins:          plugin.PluginSet{contract.Name: &contract.Plugin{}},
		Cmd:              exec.Command(program), //nolint:gosec // built by this program
		AllowedProtocols: []plugin.Protocol{plugin.ProtocolGRPC},
		Logger:           hclog.NewNullLogger(),
	})
	p := &minimalPlugin{client: client}
	if err := p.connect(); err != nil {
		client.Kill()
		return nil, fmt.Errorf("start the minimal go-plugin program: %w", err)
	}
	return p, nil
}

func (p *minimalPlugin) connect() error {
	protocol, err := p.client.Client()
	if err != nil {
		return err
	}
	raw, err := protocol.Dispense(contract.Name)
	if err != nil {
		return err
	}
	runner, ok := raw.(contract.Runner)
	if !ok {
		return fmt.Errorf("go-plugin dispensed a %T", raw)
	}
	p.runner = runner
	return nil
}

// stop ends the process; it waits for it at most some seconds.
func (p *minimalPlugin) stop() { p.client.Kill() }

// runMinimal is a whole life of the program: start, handshake, one call, stop.
func runMinimal(ctx context.Context, program, path string) error {
	p, err := startMinimal(program)
	if err != nil {
		return err
	}
	defer p.stop()
	return p.runner.Run(ctx, path)
}
