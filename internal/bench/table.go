package main

import (
	"encoding/json"
	"fmt"
	"io"
	"text/tabwriter"
)

// printTable prints the rows for people.
func printTable(out io.Writer, rows []row) error {
	if len(rows) == 0 {
		return nil
	}
	tw := tabwriter.NewWriter(out, 0, 0, 2, ' ', 0)
	fmt.Fprintln(tw, "WHAT\tMEASURED\tLIMIT\tRATIO\tTARGET\t")
	for _, r := range rows {
		measured := r.Measured.String()
		if r.Spread != "" {
			measured += " (" + r.Spread + ")"
		}
		fmt.Fprintf(tw, "%s\t%s\t%s, %s\t%.2fx\t%s\t%s\n", r.What, measured, r.Limit, r.LimitOf, r.Ratio, r.Target, r.verdict())
	}
	return tw.Flush()
}

// verdict is empty where no target is set.
func (r row) verdict() string {
	switch {
	case r.Target == "":
		return ""
	case r.Met:
		return "ok"
	default:
		return "over"
	}
}

// printJSON prints the rows for programs.
func printJSON(out io.Writer, rows []row) error {
	if rows == nil {
		rows = []row{}
	}
	e := json.NewEncoder(out)
	e.SetIndent("", "  ")
	e.SetEscapeHTML(false)
	return e.Encode(rows)
}
