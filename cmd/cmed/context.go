package main

import (
	"errors"
	"fmt"
	"io"
	"path/filepath"

	"github.com/spf13/cobra"

	"github.com/chaos-monkey-engine/cmed/internal/client"
	"github.com/chaos-monkey-engine/cmed/internal/screen"
)

const contextLong = `A context is a daemon with the key for it, under a name of your own. The commands
that call a daemon use the current one unless --server, --context or the
environment names another. They are kept in cmed/contexts.yaml in the folder
XDG_CONFIG_HOME, or ~/.config, which only you can read.`

// newContext is the parent of what concerns contexts. None of it calls a daemon.
func newContext(p program) *cobra.Command {
	return parent("context", "Name daemons, and choose which is called", contextLong,
		newContextList(p), newContextUse(p), newContextSet(p), newContextDelete(p))
}

func newContextList(p program) *cobra.Command {
	out := outputFlag("table")
	cmd := &cobra.Command{
		Use:   "list",
		Short: "Show the contexts, without their keys",
		Args:  noArguments,
		RunE: func(*cobra.Command, []string) error {
			all, err := readContexts(p)
			if err != nil {
				return err
			}
			return listContexts(p, out, all)
		},
	}
	cmd.Flags().VarP(out, "output", "o", out.usage())
	return cmd
}

// shownContext is a context without its key.
type shownContext struct {
	Name    string `json:"name"`
	Current bool   `json:"current"`
	Server  string `json:"server"`
	Key     string `json:"key"` // where it is: "kept here", a file, or "none"
	CAFile  string `json:"ca_file,omitempty"`
}

func listContexts(p program, out *output, all contexts) error {
	shown := []shownContext{}
	table := screen.NewTable("NAME", "CURRENT", "SERVER", "KEY")
	for _, name := range all.names() {
		spec := all.Contexts[name]
		c := shownContext{Name: name, Current: name == all.Current, Server: client.Shown(spec.Server), Key: keyOf(spec), CAFile: spec.CAFile}
		mark := " "
		if c.Current {
			mark = "*"
		}
		table.Row(c.Name, mark, c.Server, c.Key)
		shown = append(shown, c)
	}
	switch {
	case out.forPrograms():
		return out.write(p.stdout, map[string]any{"contexts": shown})
	case table.Empty():
		_, err := fmt.Fprintln(p.stdout, "there are no contexts; cmed context set NAME --server URL makes one")
		return err
	default:
		return table.Write(p.stdout, p.screenOf(p.stdout))
	}
}

func keyOf(spec contextSpec) string {
	switch {
	case spec.KeyFile != "":
		return "in " + spec.KeyFile
	case spec.Key != "":
		return "kept here"
	default:
		return "none"
	}
}

func newContextUse(p program) *cobra.Command {
	return &cobra.Command{
		Use:               "use NAME",
		Short:             "Make a context the current one",
		Args:              oneArgument("the name of a context"),
		ValidArgsFunction: completeContext(p),
		RunE: func(_ *cobra.Command, args []string) error {
			all, err := readContexts(p)
			if err != nil {
				return err
			}
			spec, err := all.find(args[0])
			if err != nil {
				return err
			}
			all.Current = args[0]
			if err := all.write(p); err != nil {
				return err
			}
			for _, name := range []string{serverVariable, portVariable} {
				if p.variable(name) != "" {
					fmt.Fprintf(p.stderr, "warning: %s is set, which comes before the current context\n", name)
				}
			}
			_, err = fmt.Fprintf(p.stdout, "commands now call %s\n", printable(client.Shown(spec.Server)))
			return err
		},
	}
}

func newContextDelete(p program) *cobra.Command {
	return &cobra.Command{
		Use:               "delete NAME",
		Short:             "Forget a context and its key",
		Args:              oneArgument("the name of a context"),
		ValidArgsFunction: completeContext(p),
		RunE: func(_ *cobra.Command, args []string) error {
			all, err := readContexts(p)
			if err != nil {
				return err
			}
			if _, err := all.find(args[0]); err != nil {
				return err
			}
			delete(all.Contexts, args[0])
			if all.Current == args[0] {
				all.Current = ""
			}
			if err := all.write(p); err != nil {
				return err
			}
			_, err = fmt.Fprintf(p.stdout, "context %s is gone\n", args[0])
			return err
		},
	}
}

const contextSetLong = `Makes a context, or changes what is given of one. The first one becomes the
current one, another with --use, or later by "cmed context use NAME". A key is read from standard input with --key-stdin and kept in the
contexts' file, or stays in the file that --key-file names; it is never part of
the command line, which others can see.`

// contextSetting is one call of cmed context set.
type contextSetting struct {
	program
	where    where
	keyStdin bool
	use      bool
}

func newContextSet(p program) *cobra.Command {
	s := &contextSetting{program: p}
	cmd := &cobra.Command{
		Use:               "set NAME --server URL",
		Short:             "Make or change a context",
		Long:              contextSetLong,
		Args:              oneArgument("the name of a context"),
		ValidArgsFunction: completeContext(p),
		RunE: func(cmd *cobra.Command, args []string) error {
			return s.set(args[0], cmd.Flags().Changed)
		},
	}
	flags := cmd.Flags()
	flags.SortFlags = false
	flags.StringVar(&s.where.server, "server", "", "`URL` of the daemon, or unix:PATH of its socket")
	flags.StringVar(&s.where.keyFile, "key-file", "", "`file` that holds the API key")
	flags.BoolVar(&s.keyStdin, "key-stdin", false, "read the API key from standard input and keep it")
	flags.StringVar(&s.where.caFile, "ca-file", "", "PEM `file` of the authorities that vouch for the server, in place of the system's")
	flags.BoolVar(&s.where.insecureTransport, "insecure-transport", false, "send the key to another machine unencrypted")
	flags.BoolVar(&s.use, "use", false, "make it the current one")
	return cmd
}

func (s *contextSetting) set(name string, given func(string) bool) error {
	if !contextName.MatchString(name) {
		return usagef("%q is no name for a context: use letters, digits, dots, dashes and underlines", printable(name))
	}
	all, err := readContexts(s.program)
	if err != nil {
		return err
	}
	spec := all.Contexts[name]
	if err := s.change(&spec, given); err != nil {
		return err
	}
	if err := s.check(name, spec); err != nil {
		return err
	}
	if all.Contexts == nil {
		all.Contexts = map[string]contextSpec{}
	}
	all.Contexts[name] = spec
	if s.use || all.Current == "" {
		all.Current = name
	}
	if err := all.write(s.program); err != nil {
		return err
	}
	state := "kept; cmed context use " + name + " makes it the current one"
	if all.Current == name {
		state = "kept, and the current one"
	}
	_, err = fmt.Fprintf(s.stdout, "context %s (%s) is %s\n", name, printable(client.Shown(spec.Server)), state)
	return err
}

// change sets what is given. Nothing that is kept is kept for another server: no
// key, no authority, and not that the key may go out in the clear.
func (s *contextSetting) change(spec *contextSpec, given func(string) bool) error {
	if given("server") {
		if spec.Server != s.where.server {
			*spec = contextSpec{}
		}
		spec.Server = s.where.server
	}
	if s.keyStdin && given("key-file") {
		return usagef("--key-file and --key-stdin name a key each: give one of them")
	}
	if given("key-file") {
		path, err := filepath.Abs(s.where.keyFile)
		if err != nil {
			return fmt.Errorf("resolve %s: %w", s.where.keyFile, err)
		}
		if _, err := s.where.readKey(path); err != nil {
			return usagef("--key-file: %w", err)
		}
		spec.Key, spec.KeyFile = "", path
	}
	if s.keyStdin {
		key, err := s.readKey()
		if err != nil {
			return usagef("--key-stdin: %w", err)
		}
		spec.Key, spec.KeyFile = key, ""
	}
	if given("ca-file") {
		path, err := filepath.Abs(s.where.caFile)
		if err != nil {
			return fmt.Errorf("resolve %s: %w", s.where.caFile, err)
		}
		spec.CAFile = path
	}
	if given("insecure-transport") {
		spec.InsecureTransport = s.where.insecureTransport
	}
	return nil
}

// readKey reads the key from standard input, where it would be seen if somebody
// typed it.
func (s *contextSetting) readKey() (string, error) {
	if isTerminal(s.stdin) {
		return "", errors.New("standard input is a terminal, which would show the key: redirect a file into it")
	}
	text, err := io.ReadAll(io.LimitReader(s.stdin, maxKey+1))
	if err != nil {
		return "", fmt.Errorf("read the key: %w", err)
	}
	return checkKey(string(text))
}

// check refuses a context that could not be used.
func (s *contextSetting) check(name string, spec contextSpec) error {
	if spec.Server == "" {
		return usagef("--server is missing: say where the daemon is")
	}
	all := contexts{Contexts: map[string]contextSpec{name: spec}}
	d, err := all.daemon(name, s.where.readKey)
	if err != nil {
		return err
	}
	_, err = d.client()
	return err
}
