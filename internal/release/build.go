package main

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
)

// neutral are the settings of Go that would change what is built. An empty one
// counts as none, so what "go env -w" has kept is put aside as a whole.
var neutral = []string{
	"GOENV=off", "CGO_ENABLED=0", "GOFLAGS=", "GOEXPERIMENT=", "GOFIPS140=off", "GOWORK=off", "GOAMD64=v1", "GOARM64=v8.0",
}

// supply are the settings of Go that say where modules and tools come from and are
// kept. They change nothing of what is built, and hold wherever they are kept.
var supply = []string{
	"GOPROXY", "GOPRIVATE", "GONOPROXY", "GOSUMDB", "GONOSUMDB", "GOINSECURE", "GOVCS", "GOAUTH",
	"GOMODCACHE", "GOCACHE", "GOTOOLCHAIN",
}

// goEnvironment is what Go builds a release in.
func goEnvironment(ctx context.Context, p platform) ([]string, error) {
	values, err := exec.CommandContext(ctx, "go", append([]string{"env"}, supply...)...).Output() //nolint:gosec // G204: our own words
	if err != nil {
		return nil, fmt.Errorf("ask go for its settings: %w", err)
	}
	env := os.Environ()
	lines := strings.Split(strings.TrimSuffix(string(values), "\n"), "\n")
	if len(lines) != len(supply) {
		return nil, fmt.Errorf("go tells %d settings, not %d", len(lines), len(supply))
	}
	for i, value := range lines {
		env = append(env, supply[i]+"="+value)
	}
	return append(append(env, neutral...), "GOOS="+p.os, "GOARCH="+p.arch), nil
}

// programs are the binaries of one platform, in a folder as "make build" has them:
// cmed, attacks/* and planners/*.
type programs struct{ dir string }

// buildPrograms builds all programs of a platform from the sources into the folder
// dir, an absolute path.
func buildPrograms(ctx context.Context, sources string, p platform, s stamp, dir string) (programs, error) {
	for _, part := range []struct{ out, linker, packages string }{
		{"cmed", s.linkerFlags(), "./cmd/cmed"},
		{"attacks" + string(filepath.Separator), "-s -w", "./plugins/attacks/..."},
		{"planners" + string(filepath.Separator), "-s -w", "./plugins/planners/..."},
	} {
		out := dir + string(filepath.Separator) + part.out
		if err := os.MkdirAll(filepath.Dir(out), 0o700); err != nil {
			return programs{}, err
		}
		if err := goBuild(ctx, sources, p, out, part.linker, part.packages); err != nil {
			return programs{}, err
		}
	}
	return programs{dir}, nil
}

// goBuild builds static binaries that hold nothing of where and when they were
// built.
func goBuild(ctx context.Context, sources string, p platform, out, linker, packages string) error {
	env, err := goEnvironment(ctx, p)
	if err != nil {
		return err
	}
	cmd := exec.CommandContext(ctx, "go", "build", "-trimpath", "-buildvcs=false", //nolint:gosec // G204: our own words
		"-ldflags", linker, "-o", out, packages)
	cmd.Dir, cmd.Env = sources, env
	if said, err := cmd.CombinedOutput(); err != nil {
		return fmt.Errorf("build %s for %s: %w\n%s", packages, p, err, said)
	}
	return nil
}
