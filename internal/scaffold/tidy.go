package scaffold

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"strings"
	"time"
)

// tidyTime bounds the search for what the module depends on, downloads included.
const tidyTime = 2 * time.Minute

// ErrNoGo is returned by Tidy where there is no go command.
var ErrNoGo = errors.New("there is no go command here")

// Tidy has the go command find out what the module in folder depends on, and write
// it into go.mod and go.sum. It takes at most two minutes. An error has what the
// command said.
func Tidy(ctx context.Context, folder string) error {
	command, err := exec.LookPath("go")
	if err != nil {
		return ErrNoGo
	}
	ctx, cancel := context.WithTimeoutCause(ctx, tidyTime, fmt.Errorf("it took longer than %s", tidyTime))
	defer cancel()
	var said bytes.Buffer
	tidy := exec.CommandContext(ctx, command, "mod", "tidy") //nolint:gosec // go, as the caller's PATH has it
	tidy.Dir, tidy.Env = folder, goEnvironment(os.Environ())
	tidy.Stdout, tidy.Stderr = &said, &said
	tidy.WaitDelay = time.Second // what it started may hold the output
	err = tidy.Run()
	switch {
	case ctx.Err() != nil:
		return fmt.Errorf("go mod tidy: %w", context.Cause(ctx))
	case err != nil:
		return fmt.Errorf("go mod tidy: %w\n%s", err, strings.TrimSpace(said.String()))
	default:
		return nil
	}
}

// goEnvironment is environ without what would keep the go command from tidying a
// module that stands alone: a workspace, and flags that name another go.mod or
// forbid a change of it.
func goEnvironment(environ []string) []string {
	flags := []string{"-mod=mod"} // not empty: then the go command would look for flags elsewhere
	var env []string
	for _, entry := range environ {
		name, value, _ := strings.Cut(entry, "=")
		switch name {
		case "GOWORK", "GO111MODULE":
		case "GOFLAGS":
			for flag := range strings.FieldsSeq(value) {
				if word, _, _ := strings.Cut(strings.TrimLeft(flag, "-"), "="); word != "mod" && word != "modfile" {
					flags = append(flags, flag)
				}
			}
		default:
			env = append(env, entry)
		}
	}
	return append(env, "GOWORK=off", "GOFLAGS="+strings.Join(flags, " "))
}
