package main

import (
	"fmt"
	"strings"

	"github.com/chaos-monkey-engine/cmed/sdk/compute"
)

const (
	// maxNamed is how many nodes a text for people names.
	maxNamed = 5
	// The ids of containers have so many digits, of which Docker shows so many.
	longID, shortID = 64, 12
)

// label is what people know a node by: "web-1 (i-123)".
func label(id, name string) string {
	if len(id) == longID {
		id = id[:shortID]
	}
	if name == "" {
		return id
	}
	return name + " (" + id + ")"
}

func labels(nodes []compute.Node) []string {
	texts := make([]string, len(nodes))
	for i, n := range nodes {
		texts[i] = label(n.ID, n.Name)
	}
	return texts
}

// named joins the first few labels.
func named(labels []string) string {
	more := ""
	if len(labels) > maxNamed {
		more = fmt.Sprintf(" and %d more", len(labels)-maxNamed)
	}
	return strings.Join(labels[:min(len(labels), maxNamed)], ", ") + more
}
