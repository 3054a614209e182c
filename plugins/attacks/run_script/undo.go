package main

import (
	"context"
	"errors"
	"log/slog"
	"time"

	"github.com/chaos-monkey-engine/cmed/sdk"
	"github.com/chaos-monkey-engine/cmed/sdk/remote"
)

// undoGrace is how long a script has to end in an undo before it is killed.
const undoGrace = 10 * time.Second

func (a attack) undoCall(ctx context.Context, args scriptArgs, call *sdk.UndoCall) (sdk.Outcome, error) {
	var r record
	if err := call.Record(&r); err != nil {
		return sdk.Failed, err
	}
	outcome, words, err := a.undo(ctx, args, r, call.Log())
	call.Explain("%s", words)
	return outcome, err
}

// undo takes back, over a connection of its own, what a run did to one machine. It
// says in words what came of it, unless that is an error.
func (a attack) undo(ctx context.Context, args scriptArgs, r record, log *slog.Logger) (sdk.Outcome, string, error) {
	log = log.With("node", r.Node)
	a.targeting.Log = log
	keys, keysErr := args.SSH.hostKeys(args.pinned(r.Node))
	address, err := a.locate(ctx, args, r, !keys.InsecureIgnore, log)
	switch {
	case errors.Is(err, errGone):
		log.Warn("there is nothing to take back: " + err.Error())
		return sdk.NothingToDo, err.Error(), nil
	case errors.Is(err, errElsewhere):
		return sdk.Failed, "", err
	case err != nil:
		return sdk.Retry, "", err
	}
	j, err := newJobs(r, args, knownScript(r, args, log))
	if err != nil {
		return sdk.Failed, "", err
	}
	args.SSH.User = r.User
	login, missing := args.SSH.login()
	if err := errors.Join(append(missing, keysErr)...); err != nil {
		return sdk.Failed, "", err
	}
	login.HostKeys = keys
	c, err := remote.Dial(ctx, address, login)
	if err != nil {
		return failedOr(err), "", err
	}
	defer func() { _ = c.Close() }() // what runs there was seen to
	left, err := j.takeBack(ctx, c, undoGrace, log)
	if err != nil {
		return failedOr(err), "", err
	}
	log.Info(left.words(), "address", address, "path", r.Path)
	return left.outcome(), left.words(), nil
}

// failedOr is Retry for what may pass by itself.
func failedOr(err error) sdk.Outcome {
	for _, passing := range []error{remote.ErrUnreachable, remote.ErrLost, errLate, context.DeadlineExceeded, context.Canceled} {
		if errors.Is(err, passing) {
			return sdk.Retry
		}
	}
	if _, stopped := errors.AsType[*sdk.StopError](err); stopped {
		return sdk.Retry
	}
	return sdk.Failed
}

// knownScript is the script that was run: from the record or, where there was no
// room for it, from the scripts folder if it is the same still. Nil: unknown.
func knownScript(r record, args scriptArgs, log *slog.Logger) []byte {
	var content []byte
	var err error
	if r.Script.Gzip != nil {
		content, err = r.Script.content()
	} else {
		var file script
		file, err = readScript("/local_script", args.LocalScript, longestScript)
		content = file.content
	}
	if err == nil && digest(content) != r.Script.SHA256 {
		err = errors.New("it has changed in the scripts folder since")
	}
	if err != nil {
		log.Warn("the script that was run is not known any more, so its file on the machine is left alone", "path", r.Path, "error", err)
		return nil
	}
	return content
}
