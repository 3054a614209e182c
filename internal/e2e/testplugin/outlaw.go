package main

import (
	"context"
	"errors"
	"io/fs"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"strconv"
	"syscall"
	"time"

	"github.com/chaos-monkey-engine/cmed/sdk"
)

type outlawArgs struct {
	File string `json:"file" jsonschema:"description=The harm: a file that is created; beside it lie FILE.pid.<name> of its processes"`
}

// outlaw does its harm and then does as it likes: it does not look at its
// context, and has two processes that ignore all signals, a child in its own
// group and a grandchild in a session of its own whose parent has ended.
var outlaw = sdk.Attack[outlawArgs]{
	Info: sdk.Info{Ref: "e2e:Outlaw", Effect: sdk.Undoable, Example: outlawArgs{File: "/tmp/harm"}},
	Run: func(ctx context.Context, args outlawArgs, run *sdk.Run) error {
		create := func(context.Context) error { return os.WriteFile(args.File, nil, 0o600) }
		if err := run.Do(ctx, args.File, create); err != nil {
			return err
		}
		if err := errors.Join(startChild(lingers, args.File+".pid.child", false),
			startChild(forks, args.File+".pid.grandchild", false)); err != nil {
			return err
		}
		select {} // until it is killed
	},
	Undo: func(_ context.Context, args outlawArgs, _ *sdk.UndoCall) (sdk.Outcome, error) {
		err := os.Remove(args.File)
		if errors.Is(err, fs.ErrNotExist) {
			return sdk.NothingToDo, nil
		}
		return sdk.Undone, err
	},
}

// What a child is told to do, by its first argument; the second one is where it
// leaves its process number.
const (
	lingers = "linger"
	forks   = "fork"
)

// startChild starts this program as a child that does what it is told.
func startChild(what, pidFile string, ownSession bool) error {
	path, err := os.Executable()
	if err != nil {
		return err
	}
	child := exec.Command(path, what, pidFile) //nolint:gosec // ourselves
	child.SysProcAttr = &syscall.SysProcAttr{Setsid: ownSession}
	if err := child.Start(); err != nil || what == lingers {
		return err
	}
	return child.Wait()
}

// runChild is the main function of a child. It says whether this is one.
func runChild(what string) bool {
	switch what {
	case forks:
		if err := startChild(lingers, os.Args[2], true); err != nil {
			os.Exit(1)
		}
		return true
	case lingers:
		signal.Ignore()
		if err := leavePID(os.Args[2]); err != nil {
			os.Exit(1)
		}
		<-time.After(time.Hour) // nothing ends it but SIGKILL
		return true
	}
	return false
}

// leavePID writes the number of this process, at once or not at all.
func leavePID(path string) error {
	hidden := filepath.Join(filepath.Dir(path), "."+filepath.Base(path))
	if err := os.WriteFile(hidden, []byte(strconv.Itoa(os.Getpid())), 0o600); err != nil { //nolint:gosec // the test's own file
		return err
	}
	return os.Rename(hidden, path) //nolint:gosec // likewise
}
