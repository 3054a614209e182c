package main

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"

	"github.com/chaos-monkey-engine/cmed/internal/torture/script"
)

const module = "github.com/chaos-monkey-engine/cmed/"

// binaries are the programs that take part.
type binaries struct {
	daemon  string
	plugins string // the folder of the plugins
}

// buildAll builds them into a folder: the daemon without the race detector,
// since how many kills fit into the time matters here.
func buildAll(ctx context.Context, dir, daemon string) (binaries, error) {
	b := binaries{daemon: filepath.Join(dir, "bin", "cmed"), plugins: filepath.Join(dir, "bin")}
	if daemon != "" {
		path, err := filepath.Abs(daemon)
		if err != nil {
			return b, fmt.Errorf("find %s: %w", daemon, err)
		}
		b.daemon = path
	} else if err := build(ctx, b.daemon, "cmd/cmed", "-tags", "failpoints"); err != nil {
		return b, err
	}
	torturer := filepath.Join(b.plugins, script.AttackFile)
	if err := build(ctx, torturer, "internal/torture/torturer"); err != nil {
		return b, err
	}
	for _, name := range []string{script.RawFile, script.BabbleFile, script.PlannerFile} {
		if err := variant(torturer, filepath.Join(b.plugins, name)); err != nil {
			return b, err
		}
	}
	return b, nil
}

// variant copies a binary with its new name at its end, which changes nothing
// but its digest: what the daemon knows of a plugin, it knows by that.
func variant(from, to string) error {
	content, err := os.ReadFile(from) //nolint:gosec // built by us
	if err == nil {
		err = os.WriteFile(to, append(content, filepath.Base(to)...), 0o700) //nolint:gosec // it is a program
	}
	if err != nil {
		return fmt.Errorf("copy the plugin: %w", err)
	}
	return nil
}

func build(ctx context.Context, output, pkg string, flags ...string) error {
	args := append([]string{"build", "-trimpath", "-ldflags=-s -w"}, flags...)
	args = append(args, "-o", output, module+pkg)
	command := exec.CommandContext(ctx, "go", args...) //nolint:gosec // fixed but for the folder
	command.Env = append(os.Environ(), "CGO_ENABLED=0")
	if out, err := command.CombinedOutput(); err != nil {
		return fmt.Errorf("build %s: %w\n%s", pkg, err, out)
	}
	return nil
}
