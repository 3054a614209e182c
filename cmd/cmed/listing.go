package main

import (
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"github.com/chaos-monkey-engine/cmed/internal/client"
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

// lastOf turns a list that was asked for with the newest first, and came with more
// and err, into one that ends with the newest, as a person reads it. When it does
// not hold all, that is told. Of a daemon that does not know that order it shows the
// oldest, and says so.
func lastOf[T any](r *remote, list []T, more bool, err error) ([]T, error) {
	switch {
	case errors.Is(err, client.ErrOldestFirst):
		if more {
			fmt.Fprintln(r.stderr, "there are later ones, which this daemon does not show first: --limit 0 shows all")
		}
		return list, nil
	case err != nil:
		return nil, err
	}
	slices.Reverse(list)
	if more {
		fmt.Fprintln(r.stderr, "there are earlier ones: --limit 0 shows all")
	}
	return list, nil
}

// labelWords are labels as "a=1, b=2".
func labelWords(labels map[string]string) string {
	words := make([]string, 0, len(labels))
	for _, name := range slices.Sorted(maps.Keys(labels)) {
		words = append(words, name+"="+labels[name])
	}
	return strings.Join(words, ", ")
}
