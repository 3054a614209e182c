package host

import (
	"errors"
	"fmt"
	"io/fs"
	"regexp"
	"strconv"
	"strings"
	"syscall"

	"github.com/chaos-monkey-engine/cmed/internal/engine"
)

// startError is a plugin that could not be executed, asked or connected to.
type startError struct {
	stage, message, hint, stderr string
	cause                        error
	// exit says how its process ended, if there was one.
	exit string
}

func (e *startError) Error() string {
	if line := lastLine(e.stderr); line != "" {
		return fmt.Sprintf("%s (its last words: %s)", e.message, line)
	}
	return e.message
}

func (e *startError) Unwrap() error { return e.cause }

// pluginError is how the plugin list shows it.
func (e *startError) pluginError() *engine.PluginError {
	return &engine.PluginError{Stage: e.stage, Message: e.message, Hint: e.hint, Stderr: e.stderr}
}

// asPluginError is any error as the plugin list shows it.
func asPluginError(stage string, err error) *engine.PluginError {
	if s, ok := errors.AsType[*startError](err); ok {
		return s.pluginError()
	}
	return &engine.PluginError{Stage: stage, Message: reason(err)}
}

// diagnoseExec explains why a copy could not be executed (execve(2)).
func diagnoseExec(err error) error {
	if e, ok := errors.AsType[*startError](err); ok {
		return e
	}
	e := &startError{stage: "describe", message: "can't be executed: " + err.Error(), cause: err}
	var errno syscall.Errno
	if !errors.As(err, &errno) {
		return e
	}
	e.message = "can't be executed: " + errno.Error()
	switch errno { //nolint:exhaustive // the rest needs no hint
	case syscall.ENOEXEC:
		e.hint = "it is no program for this machine: built for another system or architecture, damaged, or a script without #! line"
	case syscall.EACCES, syscall.EPERM:
		e.hint = "is the state folder, where its copy lies, on a file system mounted noexec?"
	case syscall.ENOENT:
		e.hint = "its interpreter is missing: the #! line of a script, or the dynamic loader of a binary (build it static: CGO_ENABLED=0)"
	case syscall.ETXTBSY:
		e.hint = "something holds its copy open for writing"
	case syscall.EAGAIN, syscall.ENOMEM:
		e.hint = "the machine is out of processes or memory"
	}
	return e
}

// incomplete begins the cause of a handshake's end when its time is over. As all
// messages of a startError do, it goes on from "it", or from the plugin's name.
const incomplete = "did not complete"

// diagnoseHandshake explains why a process that was started could not be
// connected to. The process is gone.
func diagnoseHandshake(err error, line string, c *child, stderr string) error {
	e := &startError{stage: "handshake", stderr: stderr, cause: err, exit: c.how()}
	_, shaken := handshakeVersion(line)
	switch {
	case shaken:
		e.message = "can't be connected to: " + firstLine(err.Error())
	case line != "":
		e.message = fmt.Sprintf("prints something that is not a handshake: %q", excerpt(line))
		e.hint = "nothing may be printed to stdout before the plugin is served"
	case strings.HasPrefix(err.Error(), incomplete):
		e.message = err.Error()
	default:
		e.message = "ends before its handshake: " + c.how()
	}
	return e
}

var handshakeLine = regexp.MustCompile(`^\d+\|(\d+)\|[a-z0-9]+\|`)

// handshakeVersion reads the protocol version of a go-plugin handshake line.
func handshakeVersion(line string) (version int, ok bool) {
	m := handshakeLine.FindStringSubmatch(line)
	if m == nil {
		return 0, false
	}
	version, err := strconv.Atoi(m[1])
	return version, err == nil
}

// excerpt is the beginning of a text, for people.
func excerpt(s string) string {
	const most = 200
	if len(s) > most {
		s = s[:most]
	}
	return strings.ToValidUTF8(s, "")
}

func firstLine(s string) string {
	line, _, _ := strings.Cut(s, "\n")
	return excerpt(line)
}

// panicLine is what a Go program says when it panics; its stack follows.
var panicLine = regexp.MustCompile(`(?m)^(panic|fatal error): .*$`)

// lastLine is what a program said last, for people.
func lastLine(s string) string {
	if line := panicLine.FindString(s); line != "" {
		return excerpt(line)
	}
	s = strings.TrimRight(s, "\n")
	return excerpt(s[strings.LastIndexByte(s, '\n')+1:])
}

// missingCopy says whether the error is that of a copy that is not there.
func missingCopy(err error) bool { return errors.Is(err, fs.ErrNotExist) }
