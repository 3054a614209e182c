package sdk

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"text/tabwriter"

	"github.com/chaos-monkey-engine/cmed/sdk/pluginv1"
)

// Serve is all that the main function of a plugin needs. Under the host it
// serves one call; with the argument "describe" it prints what the plugin
// offers, as JSON; started by hand it explains the plugin. It never returns.
//
// It exits with status 0, with 1 when the offers are wrong or serving failed,
// and with 2 when it does not know an argument. What is wrong with the offers
// shows when they are described, which the host does first; a wrong one makes
// them all unusable.
func Serve(offers ...Offer) {
	os.Exit(serve(newFixed(offers), os.Args[1:], os.Stdout, os.Stderr))
}

func serve(offers stock, args []string, stdout, stderr io.Writer) (status int) {
	s := newService(offers, newLife(graceOf(os.Getenv(pluginv1.EnvGrace))))
	switch {
	case len(args) == 0 && os.Getenv(pluginv1.CookieKey) == pluginv1.CookieValue:
		return serveHost(s)
	case len(args) == 1 && args[0] == pluginv1.DescribeArg:
		s.prepare = redirect(os.Stderr) // what the author prints is no description
		return printDescription(s, stdout, stderr)
	case len(args) == 0 || len(args) == 1 && isHelp(args[0]):
		explain(s, stdout)
		return 0
	default:
		say(stderr, "%s: unknown arguments %q; it takes none, or %q", program(), args, pluginv1.DescribeArg)
		return 2
	}
}

func isHelp(arg string) bool {
	return arg == "help" || arg == "-h" || arg == "-help" || arg == "--help"
}

// program is the name this process was started by.
func program() string { return filepath.Base(os.Args[0]) }

// say prints a line. There is nobody to tell when that fails.
func say(w io.Writer, format string, args ...any) { _, _ = fmt.Fprintf(w, format+"\n", args...) }

func printDescription(s *service, stdout, stderr io.Writer) (status int) {
	s.prepare()
	description, err := s.stock.describe(context.Background())
	if err != nil {
		for line := range strings.SplitSeq(err.Error(), "\n") {
			say(stderr, "%s: %s", program(), line)
		}
		return 1
	}
	encoder := json.NewEncoder(stdout)
	encoder.SetEscapeHTML(false)
	encoder.SetIndent("", "  ")
	if err := encoder.Encode(description); err != nil {
		say(stderr, "%s: print the description: %v", program(), err)
		return 1
	}
	return 0
}

// explain tells a person what this file is. It works with wrong offers too.
func explain(s *service, stdout io.Writer) {
	offers, warnings, err := s.stock.offers(context.Background())
	if err != nil {
		warnings = append(warnings, err.Error())
	}
	what := "It offers"
	if len(offers) == 0 {
		what = "It offers nothing for now."
	}
	say(stdout, "%s is a plugin of cmed, the Chaos Monkey Engine. %s", program(), what)
	table := tabwriter.NewWriter(stdout, 0, 0, 2, ' ', 0)
	folders := map[string]bool{}
	for _, o := range offers {
		say(table, "  %s\t%s\t%s", o.kind, o.Ref, o.Title)
		folders[o.kind+"s"] = true
	}
	_ = table.Flush() // as in say
	for _, w := range warnings {
		say(stdout, "Warning: %s", w)
	}
	for _, folder := range []string{"attacks", "planners"} {
		if folders[folder] {
			say(stdout, "Put this file into cmed's %s folder (--%s-folder) and keep its run bit.", folder, folder)
		}
	}
	say(stdout, "cmed finds it there by itself. To see what it will read: %s %s", os.Args[0], pluginv1.DescribeArg)
}
