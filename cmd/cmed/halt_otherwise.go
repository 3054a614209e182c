package main

import (
	"errors"
	"fmt"
	"net/http"
	"os"
	"path/filepath"

	"github.com/chaos-monkey-engine/cmed/internal/client"
)

// withoutTheAPI tells who can't reach the daemon, or may not halt it, how to do so
// all the same.
func (h *halting) withoutTheAPI(err error) error {
	if isUnreachable(err) || client.Passing(err) {
		nobody := isUnreachable(err) && !h.maybe
		perhaps, here := "", h.daemon.isHere(h.program) || h.daemon.from == "" && nobody // at the default address
		if h.maybe {
			perhaps = "The lever may be engaged all the same: cmed status tells\n"
		}
		return &explained{err: err, text: printableLines(fmt.Sprintf("%v\n"+
			"%s%sIs it another one?  cmed halt --server http://HOST:PORT (or %s)\n%s", err, perhaps, h.daemon.origin(), serverVariable, h.otherWays(here)))}
	}
	refusal, ok := errors.AsType[*client.Refusal](err)
	if !ok || refusal.Status != http.StatusUnauthorized && refusal.Status != http.StatusForbidden {
		return err
	}
	return &explained{err: err, text: printableLines(fmt.Sprintf("%v\n"+
		"Without a key, on its machine:  cmed halt --server %s\n%s", h.explain(err), h.daemon.socket(h.program), h.otherWays(h.daemon.isHere(h.program))))}
}

// withoutClient tells who can't even call a daemon, for what the flags, the
// environment or the contexts say, how to halt it all the same.
func (h *halting) withoutClient(err error) error {
	command, why := "cmed halt --server "+anySocket, "--server goes without contexts"
	if _, wrong := checkKey(h.variable(keyVariable)); wrong != nil && h.variable(keyVariable) != "" {
		command, why = "env -u "+keyVariable+" "+command, why+", and the socket without a key"
	}
	return &exitError{exitUsage, &explained{err: err, text: printableLines(fmt.Sprintf("%v\n"+
		"Without all that, on its machine:  %s (%s)\n%s", err, command, why, h.otherWays(false)))}}
}

// otherWays are those that need no API. They name a file only when it is one of the
// daemon that was called, of this folder: the halt file of another would halt that one.
func (h *halting) otherWays(here bool) string {
	where, file := "On its machine, ", "the halt file that its log named at start"
	if here {
		where = ""
		if path := h.haltFile(); path != "" {
			file += " (by default " + path + ")"
		}
	}
	return "Does it run, but not answer?  " + where + "kill -USR1 PID (its log names it at start), or touch " + file + "\n" +
		"Has it died?  " + where + "cmed reap, with its options, ends and undoes what it left"
}

// haltFile is where a daemon with this environment, started in this folder,
// looks for its halt file; "" when none can have been.
func (h *halting) haltFile() string {
	cfg, err := load(settings{}, h.env, nil)
	if err != nil {
		return ""
	}
	path, err := filepath.Abs(cfg.haltFile)
	if err != nil {
		return ""
	}
	if info, err := os.Stat(filepath.Dir(path)); err != nil || !info.IsDir() {
		return ""
	}
	return path
}
