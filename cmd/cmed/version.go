package main

import (
	"cmp"
	"encoding/json"
	"fmt"
	"io"
	"runtime"
	"runtime/debug"
	"strings"

	"github.com/spf13/cobra"
)

// version is set by the linker: -X main.version=1.2.3.
var version string

// build says what this binary was made from.
type build struct {
	Version  string `json:"version"`
	Commit   string `json:"commit,omitempty"`
	Time     string `json:"time,omitempty"`     // of the commit
	Modified bool   `json:"modified,omitempty"` // it has changes that are not in the commit
	Go       string `json:"go"`
	Platform string `json:"platform"`
}

func thisBuild() build {
	b := build{Version: version, Go: runtime.Version(), Platform: runtime.GOOS + "/" + runtime.GOARCH}
	info, ok := debug.ReadBuildInfo()
	if ok {
		if info.Main.Version != "(devel)" {
			b.Version = cmp.Or(b.Version, strings.TrimPrefix(info.Main.Version, "v"))
		}
		for _, s := range info.Settings {
			switch s.Key {
			case "vcs.revision":
				b.Commit = s.Value
			case "vcs.time":
				b.Time = s.Value
			case "vcs.modified":
				b.Modified = s.Value == "true"
			}
		}
	}
	b.Version = cmp.Or(b.Version, "unknown")
	return b
}

func (b build) String() string {
	text := "cmed " + b.Version
	if b.Commit != "" {
		text += fmt.Sprintf(" (commit %.12s", b.Commit)
		if b.Modified {
			text += ", modified"
		}
		text += ")"
	}
	return fmt.Sprintf("%s %s %s", text, b.Go, b.Platform)
}

func newVersion() *cobra.Command {
	output := outputFlag("text")
	cmd := &cobra.Command{
		Use:   "version",
		Short: "Show the version and what it was built from",
		Args:  noArguments,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if output.text == formatJSON {
				return writeJSON(cmd.OutOrStdout(), thisBuild())
			}
			_, err := fmt.Fprintln(cmd.OutOrStdout(), thisBuild())
			return err
		},
	}
	cmd.Flags().VarP(output, "output", "o", output.usage())
	return cmd
}

const formatJSON = "json"

// output is how a command writes what it found: for people, or as JSON.
type output struct{ human, text string }

func outputFlag(human string) *output { return &output{human, human} }

func (o *output) usage() string { return o.human + " or " + formatJSON }

func (o *output) Set(s string) error {
	if s != o.human && s != formatJSON {
		return fmt.Errorf("it is not one of %s, %s", o.human, formatJSON)
	}
	o.text = s
	return nil
}

func (o *output) String() string { return o.text }

func (o *output) Type() string { return "format" }

func writeJSON(w io.Writer, doc any) error {
	enc := json.NewEncoder(w)
	enc.SetIndent("", "  ")
	enc.SetEscapeHTML(false)
	return enc.Encode(doc)
}
