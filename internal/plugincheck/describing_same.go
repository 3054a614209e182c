package plugincheck

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/chaos-monkey-engine/cmed/internal/host"
	"github.com/chaos-monkey-engine/cmed/sdk/pluginv1"
)

// told is a description with the way it was asked for.
type told struct {
	way  string
	took time.Duration
	pluginv1.Description
}

// descriptions returns what the plugin said each time, as far as it can be read.
func (s *subject) descriptions() []told {
	var all []told
	for _, a := range []struct {
		way string
		host.Answer
	}{
		{`called with "describe"`, s.examination.Argument},
		{`called with "describe" a second time`, s.examination.Again},
		{"asked by RPC", s.examination.RPC},
	} {
		if a.Description != nil {
			all = append(all, told{a.way, a.Took, *a.Description})
		} else if d, err := readSpoken(a.Stdout).description(); err == nil {
			all = append(all, told{a.way, a.Took, d})
		}
	}
	return all
}

func describesTheSame(_ context.Context, s *subject) verdict {
	all := s.descriptions()
	if len(all) < 2 {
		return notRun("there is only one answer that can be read")
	}
	first, err := canonical(all[0].Description)
	if err != nil {
		return failed("its description can't be compared: %s", err)
	}
	for _, other := range all[1:] {
		tree, err := canonical(other.Description)
		if err != nil {
			return failed("its description can't be compared: %s", err)
		}
		if at, one, two, differs := difference("", first, tree); differs {
			return failed("%s it says at %q %s, and %s %s", all[0].way, at, shown(one), other.way, shown(two))
		}
	}
	return passed()
}

// canonical returns a description as decoded JSON: what counts of it, without
// blanks and the order of members. The version of the protocol is left out, as
// the RPC does not say it; an RPC that is answered was of the right one.
func canonical(d pluginv1.Description) (any, error) {
	d.Protocol = pluginv1.Version
	text, err := json.Marshal(d)
	if err != nil {
		return nil, err
	}
	decoder := json.NewDecoder(bytes.NewReader(text))
	decoder.UseNumber()
	var tree any
	return tree, decoder.Decode(&tree)
}

// absent stands for a member or an item that one of two trees has not.
type absent struct{}

// difference returns a JSON pointer to the first place where two decoded
// documents differ, and what is there in each.
func difference(at string, a, b any) (pointer string, one, two any, differs bool) {
	switch x := a.(type) {
	case map[string]any:
		if y, ok := b.(map[string]any); ok {
			return differenceOfObjects(at, x, y)
		}
	case []any:
		if y, ok := b.([]any); ok {
			return differenceOfLists(at, x, y)
		}
	default:
		if isPlain(b) && a == b {
			return "", nil, nil, false
		}
	}
	return at, a, b, true
}

// isPlain says whether a decoded value can be compared by ==.
func isPlain(v any) bool {
	switch v.(type) {
	case map[string]any, []any:
		return false
	}
	return true
}

func differenceOfObjects(at string, a, b map[string]any) (pointer string, one, two any, differs bool) {
	names := slices.Compact(slices.Sorted(slices.Values(slices.Concat(
		slices.Collect(maps.Keys(a)), slices.Collect(maps.Keys(b))))))
	for _, name := range names {
		one, inA := a[name]
		two, inB := b[name]
		if !inA {
			one = absent{}
		}
		if !inB {
			two = absent{}
		}
		if p, x, y, differs := difference(at+"/"+escape(name), one, two); differs {
			return p, x, y, true
		}
	}
	return "", nil, nil, false
}

func differenceOfLists(at string, a, b []any) (pointer string, one, two any, differs bool) {
	for i := range max(len(a), len(b)) {
		one, two = absent{}, absent{}
		if i < len(a) {
			one = a[i]
		}
		if i < len(b) {
			two = b[i]
		}
		if p, x, y, differs := difference(fmt.Sprintf("%s/%d", at, i), one, two); differs {
			return p, x, y, true
		}
	}
	return "", nil, nil, false
}

// escape writes a name as a token of a JSON pointer (RFC 6901).
func escape(name string) string {
	return strings.NewReplacer("~", "~0", "/", "~1").Replace(name)
}

// shown prints a decoded value, not all of it if it is long.
func shown(v any) string {
	if v == (absent{}) {
		return "nothing"
	}
	text, err := json.Marshal(v)
	if err != nil {
		return "something"
	}
	return cut(string(text), 60)
}
