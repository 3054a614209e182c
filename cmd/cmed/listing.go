package main

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/spf13/cobra"
)

// tableLimit is how many rows a table has at most, unless --limit says otherwise.
const tableLimit = 200

// listLimit is the flag --limit of a list.
type listLimit struct{ n int }

func (l *listLimit) addFlag(cmd *cobra.Command) {
	cmd.Flags().IntVar(&l.n, "limit", -1,
		fmt.Sprintf("how many are shown at most; 0: all (default %d in a table, all with -o json or yaml)", tableLimit))
	cmd.Flags().Lookup("limit").DefValue = "0" // which the help leaves out
	cmd.PreRunE = func(cmd *cobra.Command, _ []string) error {
		if l.n < -1 || l.n == -1 && cmd.Flags().Changed("limit") {
			return usagef("--limit: %d is less than 0", l.n)
		}
		return nil
	}
}

// of is the limit for what is shown by r; 0: none.
func (l *listLimit) of(r *remote) int {
	if l.n < 0 && !r.forPrograms() {
		return tableLimit
	}
	return max(l.n, 0)
}

// tellMore says that a list goes on.
func (r *remote) tellMore(more bool) {
	if more {
		fmt.Fprintln(r.stderr, "there are more: --limit 0 shows all")
	}
}

// labelWords are labels as "a=1, b=2".
func labelWords(labels map[string]string) string {
	words := make([]string, 0, len(labels))
	for _, name := range slices.Sorted(maps.Keys(labels)) {
		words = append(words, name+"="+labels[name])
	}
	return strings.Join(words, ", ")
}
