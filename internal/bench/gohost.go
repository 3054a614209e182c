package main

import (
	"context"
	"errors"
	"fmt"
	"os/exec"
	"path/filepath"
	"time"

	"github.com/hashicorp/go-hclog"
	"github.com/hashicorp/go-plugin"

	"github.com/chaos-monkey-engine/cmed/internal/bench/minimal/contract"
	"github.com/chaos-monkey-engine/cmed/internal/bench/minimal/stamp"
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

// callAtOnce starts so many minimal programs, calls all of them at one instant,
// and returns how much later each was at work.
func (w *world) callAtOnce(ctx context.Context, n int) (sample, error) {
	programs := make([]*minimalPlugin, n)
	defer func() {
		_ = atOnce(n, spawning, func(i int) error {
			if programs[i] != nil {
				programs[i].stop()
			}
			return nil
		})
	}()
	err := atOnce(n, spawning, func(i int) (err error) {
		programs[i], err = startMinimal(w.program("goplugin"))
		return err
	})
	if err != nil {
		return nil, err
	}
	dir, err := w.folder()
	if err != nil {
		return nil, err
	}
	marks := filepath.Join(dir, "marks")
	due, err := signalled(ctx, n, func(i int) error { return programs[i].runner.Run(ctx, marks) })
	if err != nil {
		return nil, err
	}
	return lagsAfter(due, marks, n)
}

// signalled calls do with 0 to n-1 at one instant, which it returns when all
// have returned.
func signalled(ctx context.Context, n int, do func(i int) error) (due time.Time, err error) {
	now, called := make(chan struct{}), make(chan error, 1)
	go func() {
		called <- atOnce(n, n, func(i int) error {
			<-now
			return do(i)
		})
	}()
	due = time.Now().Add(200 * time.Millisecond) // all wait by then
	err = pause(ctx, time.Until(due))
	close(now)
	return due, errors.Join(err, <-called)
}

// lagsAfter reads the marks of n minimal programs.
func lagsAfter(due time.Time, path string, n int) (sample, error) {
	marks, err := stamp.Read(path)
	if err != nil {
		return nil, err
	}
	if len(marks) != n {
		return nil, fmt.Errorf("%d of %d minimal programs left their mark", len(marks), n)
	}
	var lags sample
	for _, m := range marks {
		lags = append(lags, m.At.Sub(due))
	}
	return lags, nil
}
