package main

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"sync"
	"time"

	"github.com/hashicorp/go-hclog"
	"github.com/spf13/cobra"

	"github.com/chaos-monkey-engine/cmed/internal/byhand"
	"github.com/chaos-monkey-engine/cmed/internal/engine"
	"github.com/chaos-monkey-engine/cmed/internal/host"
)

// byHand is what the commands that run a plugin by hand have in common.
type byHand struct {
	program
	settings settings
	stateDir string
	output   *output
	cfg      *config
}

// The options of the daemon that the commands take, and what holds where a person
// waits.
var (
	undoOptions = []string{"undo-timeout", "undo-attempts", optLogLevel, "log-format"}
	runOptions  = append([]string{
		optGrants, optZone, optScripts, "stop-grace", "cgroup", "run-memory", "run-pids", "confine", "run-as",
	}, undoOptions...)
	byHandDefaults = map[string]string{"undo-attempts": "3", optLogLevel: "error"}
)

// newByHand gives cmd the flags they have in common, after its own.
func newByHand(cmd *cobra.Command, p program, names []string) *byHand {
	b := &byHand{program: p, settings: settings{}, output: outputFlag("text")}
	flags := cmd.Flags()
	flags.StringVar(&b.stateDir, "state-dir", "",
		"private `folder` in which each run gets one (default: cmed/byhand in $XDG_STATE_HOME or ~/.local/state)")
	flags.VarP(b.output, "output", "o", b.output.usage())
	addFlags(cmd, b.settings, func(o option) bool { return slices.Contains(names, o.name) })
	for name, text := range byHandDefaults {
		flags.Lookup(name).DefValue = text
	}
	return b
}

// prepare reads the settings and protects the process.
func (b *byHand) prepare() (err error) {
	fallbacks := settings{}
	for name, text := range byHandDefaults {
		fallbacks[name] = given{[]string{text}, "default of --" + name}
	}
	if b.cfg, err = load(b.settings, b.env, fallbacks); err != nil {
		return err
	}
	if b.stateDir == "" {
		if b.stateDir, err = byhand.DefaultBase(b.variable); err != nil {
			return usagef("%w; name one with --state-dir", err)
		}
	}
	if b.stateDir, err = filepath.Abs(b.stateDir); err != nil {
		return fmt.Errorf("resolve the folder of --state-dir: %w", err)
	}
	setUmask()
	if err := host.Harden(); err != nil {
		return fmt.Errorf("protect the process: %w", err)
	}
	return nil
}

// hosting is how the processes of the plugin file at path are kept.
func (b *byHand) hosting(path string) (byhand.Hosting, error) {
	cfg := b.cfg
	scripts := cfg.scriptsDir
	if !cfg.scriptsNamed {
		var err error
		if scripts, err = scriptsBeside(filepath.Dir(path)); err != nil {
			return byhand.Hosting{}, err
		}
	}
	return byhand.Hosting{
		ScriptsDir: scripts, Grants: cfg.grants, DefaultGrants: !cfg.grantsChosen, Cgroup: cfg.cgroup,
		RunMemory: cfg.runMemory, RunPids: cfg.runPids, Confine: cfg.confine, RunAs: cfg.runAs, Grace: cfg.stopGrace,
	}, nil
}

func (b *byHand) undoing() byhand.Undoing {
	return byhand.Undoing{Timeout: b.cfg.undoTimeout, Attempts: b.cfg.undoAttempts}
}

func (b *byHand) logger() hclog.Logger { return newLogger(b.cfg, b.stderr).Named("host") }

// zone is where times are shown: where dates without an offset are read, too.
func (b *byHand) zone() *time.Location { return b.cfg.zone }

func (b *byHand) forPrograms() bool { return b.output.forPrograms() }

// explain turns what came back into an error of the command line.
func explainByHand(err error) error {
	switch {
	case err == nil:
		return nil
	case errors.Is(err, byhand.ErrInUse):
		return &exitError{exitInUse, err}
	case engine.CodeOf(err) == engine.CodeInvalid:
		return usagef("%s", printableLines(err.Error()))
	default:
		return errors.New(printableLines(err.Error()))
	}
}

// irreversibly says what is to be known before something is run that has no undo.
func irreversibly(o engine.Offer) string {
	switch o.Effect {
	case engine.EffectNone:
		return "it has no undo, and no effect, it says"
	case engine.EffectSelfLimiting:
		return "it has no undo; its effect ends by itself, it says"
	default:
		return "it can't be undone"
	}
}

// misfit explains why a config can't be put together, or does not fit what is to be
// run. One that was given whole has no args to be minded.
func misfit(o engine.Offer, err error, whole bool) error {
	if whole || o.Kind != engine.KindAttack || o.Compiled.NestsArgs() {
		return explainByHand(err)
	}
	return usagef("%s\nits configs have no args; say the whole one: --whole-config '{\"ref\": %q, …}'", printableLines(err.Error()), o.Ref)
}

// interruptions turns signals into what is passed on, until release is called.
// Those that come within onePress of one before are the same one.
func interruptions(signals <-chan os.Signal) (c <-chan error, release func()) {
	out, done := make(chan error), make(chan struct{})
	var listening sync.WaitGroup
	listening.Go(func() {
		var last time.Time
		for {
			select {
			case <-done:
				return
			case sig := <-signals:
				if !last.IsZero() && time.Since(last) < onePress {
					continue
				}
				last = time.Now()
				select {
				case out <- fmt.Errorf("received %v", sig):
				case <-done:
					return
				}
			}
		}
	})
	return out, func() {
		close(done)
		listening.Wait()
	}
}

// namesFile says whether what a flag is given is no document, but the name of a file.
func namesFile(text string, doc json.RawMessage) bool {
	if bytes.HasPrefix(doc, []byte("{")) {
		return false
	}
	info, err := os.Stat(text)
	return err == nil && info.Mode().IsRegular()
}

// readArgs reads a document that a flag gives: its text, JSON or YAML, or @ and
// the name of a file, or - for standard input. "" is none.
func readArgs(flag, text string, stdin io.Reader) (json.RawMessage, error) {
	if text == "" {
		return nil, nil
	}
	body := []byte(text)
	from := "--" + flag
	if text == "-" {
		var err error
		if body, err = io.ReadAll(io.LimitReader(stdin, maxPlan+1)); err != nil {
			return nil, usagef("--%s: read standard input: %w", flag, err)
		}
		from = "standard input"
	} else if text[0] == '@' {
		var err error
		if body, err = os.ReadFile(text[1:]); err != nil {
			return nil, usagef("--%s: %w", flag, err)
		}
		from = text[1:]
	}
	if len(body) > maxPlan {
		return nil, usagef("--%s: %s is longer than %d bytes", flag, from, maxPlan)
	}
	body = bytes.TrimSpace(body)
	if json.Valid(body) {
		return body, nil
	}
	doc, err := yamlToJSON(from, body)
	if text[0] != '@' && text != "-" && namesFile(text, doc) {
		return nil, usagef("--%s: %s is the name of a file; to have it read: --%s @%s", flag, text, flag, text)
	}
	if err != nil {
		return nil, usagef("%w", err)
	}
	return doc, nil
}
