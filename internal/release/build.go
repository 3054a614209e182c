package main

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
)

// neutral are the settings of Go that would change what is built.
var neutral = []string{
	"CGO_ENABLED=0", "GOFLAGS=", "GOEXPERIMENT=", "GOFIPS140=off", "GOWORK=off", "GOAMD64=v1", "GOARM64=v8.0",
}

// programs are the binaries of one platform, in a folder as "make build" has them:
// cmed, attacks/* and planners/*.
type programs struct{ dir string }

// buildPrograms builds all programs of a platform into a folder. The working
// folder must be the root of the module.
func buildPrograms(ctx context.Context, p platform, s stamp, dir string) (programs, error) {
	for _, part := range []struct{ out, linker, packages string }{
		{"cmed", s.linkerFlags(), "./cmd/cmed"},
		{"attacks" + string(filepath.Separator), "-s -w", "./plugins/attacks/..."},
		{"planners" + string(filepath.Separator), "-s -w", "./plugins/planners/..."},
	} {
		out := dir + string(filepath.Separator) + part.out
		if err := os.MkdirAll(filepath.Dir(out), 0o700); err != nil {
			return programs{}, err
		}
		if err := goBuild(ctx, p, out, part.linker, part.packages); err != nil {
			return programs{}, err
		}
	}
	return programs{dir}, nil
}

// goBuild builds static binaries that hold nothing of where and when they were
// built.
func goBuild(ctx context.Context, p platform, out, linker, packages string) error {
	cmd := exec.CommandContext(ctx, "go", "build", "-trimpath", "-buildvcs=false", //nolint:gosec // G204: our own words
		"-ldflags", linker, "-o", out, packages)
	cmd.Env = append(os.Environ(), neutral...)
	cmd.Env = append(cmd.Env, "GOOS="+p.os, "GOARCH="+p.arch)
	if said, err := cmd.CombinedOutput(); err != nil {
		return fmt.Errorf("build %s for %s: %w\n%s", packages, p, err, said)
	}
	return nil
}
