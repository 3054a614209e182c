package derive

import (
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/chaos-monkey-engine/cmed/sdk/internal/wording"
)

// The struct tags that are read here.
const (
	tagName        = "json"
	tagRules       = "jsonschema"
	tagDescription = "jsonschema_description"
	tagExtras      = "jsonschema_extras"
	tagHints       = "ui"
)

var ourTags = []string{tagName, tagRules, tagDescription, tagExtras, tagHints}

var errTag = errors.New("its tag is not of the form `key:\"value\" key:\"value\"`")

// splitTag takes a struct tag apart into its keys and values. Package reflect
// does that too, but to it a tag ends where it is malformed.
func splitTag(tag string) (map[string]string, error) {
	tags := map[string]string{}
	for tag = strings.TrimLeft(tag, " "); tag != ""; tag = strings.TrimLeft(tag, " ") {
		key, rest, ok := strings.Cut(tag, ":")
		if !ok || key == "" || strings.ContainsAny(key, " \"\t\n") {
			return nil, fmt.Errorf("%w at %.40q", errTag, tag)
		}
		quoted, err := strconv.QuotedPrefix(rest)
		if err != nil || quoted[0] != '"' {
			return nil, fmt.Errorf(`%w at %.40q; in a value, a quote is written \" and a backslash \\`, errTag, tag)
		}
		value, err := strconv.Unquote(quoted)
		if err != nil {
			return nil, fmt.Errorf("%w at %.40q", errTag, tag)
		}
		if _, twice := tags[key]; twice {
			return nil, fmt.Errorf("it has the tag %s twice", key)
		}
		if err := checkTagKey(key); err != nil {
			return nil, err
		}
		tags[key] = value
		tag = rest[len(quoted):]
	}
	return tags, nil
}

// checkTagKey refuses a key that is meant to be one of ours. All others belong
// to other packages.
func checkTagKey(key string) error {
	if slices.Contains(ourTags, key) {
		return nil
	}
	if strings.EqualFold(key, tagHints) || key == "x-ui" {
		return fmt.Errorf("unknown tag %s; did you mean %s?", key, tagHints)
	}
	if near := wording.Nearest(key, []string{tagRules, tagDescription, tagExtras}); near != "" {
		return fmt.Errorf("unknown tag %s; did you mean %s?", key, near)
	}
	return nil
}

// pair is one entry of a tag: key=value, or a word alone.
type pair struct {
	key, value string
	alone      bool
}

// split takes a tag's value apart at its commas; a comma with a backslash
// before it is part of a value.
func split(value string) []pair {
	if value == "" {
		return nil
	}
	var pairs []pair
	entry := ""
	parts := strings.Split(value, ",")
	for i, part := range parts {
		entry += part
		if strings.HasSuffix(part, `\`) && i+1 < len(parts) {
			entry = strings.TrimSuffix(entry, `\`) + ","
			continue
		}
		key, value, has := strings.Cut(entry, "=")
		pairs = append(pairs, pair{key: key, value: value, alone: !has})
		entry = ""
	}
	return pairs
}

// checkKey refuses an entry whose key is not one of the known. before is the
// entry in front of it, whose value a comma may have cut.
func (p pair) checkKey(known []string, before pair) error {
	if slices.Contains(known, p.key) {
		return nil
	}
	near := wording.Nearest(p.key, known)
	cut := before.key != "" && !before.alone
	switch {
	case cut && (near == "" || strings.Contains(p.key, " ")):
		return fmt.Errorf("%q is not a key: a comma has cut the value of %s; %s", p.key, before.key, mendCut(before.key))
	case near != "":
		return fmt.Errorf("unknown key %q; did you mean %s?", p.key, near)
	default:
		return fmt.Errorf("unknown key %q; known are %s", p.key, strings.Join(known, ", "))
	}
}

func mendCut(key string) string {
	const escape = `write a comma within a value as \\,`
	if key == "description" {
		return "write a text with commas in the tag " + tagDescription + ", or " + escape
	}
	return escape
}
