package screen

import (
	"bytes"
	"encoding/json"
	"fmt"
	"regexp"
	"slices"
	"strings"
)

// yamlOf turns JSON into YAML for people. What is no plain word stays the JSON
// that it was, which is YAML too: so numbers keep their digits, and no text passes
// for a number, a date or null with any version of YAML. (The YAML library that
// reads plans does not quote all that must be.)
func yamlOf(text []byte) ([]byte, error) {
	dec := json.NewDecoder(bytes.NewReader(text))
	dec.UseNumber()
	y := yamlWriter{dec: dec}
	y.out.WriteString("---")
	if err := y.value(0, false); err != nil {
		return nil, fmt.Errorf("write YAML: %w", err)
	}
	return y.out.Bytes(), nil
}

// yamlWriter writes what its decoder reads.
type yamlWriter struct {
	dec *json.Decoder
	out bytes.Buffer
}

// value writes the next value behind what has a colon or a dash already. inline
// says that the first member or element of the value stands on the same line.
func (y *yamlWriter) value(depth int, inline bool) error {
	token, err := y.dec.Token()
	if err != nil {
		return err
	}
	open, nested := token.(json.Delim)
	if !nested {
		y.out.WriteString(" " + scalar(token) + "\n")
		return nil
	}
	if !y.dec.More() {
		y.out.WriteString(map[json.Delim]string{'{': " {}\n", '[': " []\n"}[open])
		_, err := y.dec.Token()
		return err
	}
	for y.dec.More() {
		if inline {
			y.out.WriteString(" ")
		} else {
			y.newLine(depth)
		}
		inline = false
		if err := y.element(open, depth); err != nil {
			return err
		}
	}
	_, err = y.dec.Token()
	return err
}

// element writes a member of an object or an element of an array.
func (y *yamlWriter) element(of json.Delim, depth int) error {
	if of == '[' {
		y.out.WriteString("-")
		return y.value(depth+1, true)
	}
	key, err := y.dec.Token()
	if err != nil {
		return err
	}
	y.out.WriteString(scalar(key) + ":")
	return y.value(depth+1, false)
}

// newLine begins a line, unless one has been begun.
func (y *yamlWriter) newLine(depth int) {
	if !bytes.HasSuffix(y.out.Bytes(), []byte("\n")) {
		y.out.WriteByte('\n')
	}
	y.out.WriteString(strings.Repeat("  ", depth))
}

// plainWord is a text that no version of YAML takes for anything else, but for
// the words below.
var plainWord = regexp.MustCompile(`^[A-Za-z_][A-Za-z0-9_./@-]*(:[A-Za-z_][A-Za-z0-9_]*)?$`)

// notPlain are the words that some version of YAML takes for something else.
var notPlain = []string{"null", "true", "false", "yes", "no", "on", "off", "y", "n"}

func scalar(token any) string {
	switch v := token.(type) {
	case nil:
		return "null"
	case string:
		if plainWord.MatchString(v) && !slices.Contains(notPlain, strings.ToLower(v)) {
			return v
		}
		return quoted(v)
	case json.Number:
		return yamlNumber(v.String())
	default:
		return fmt.Sprint(v)
	}
}

// yamlNumber is a number so that YAML 1.1 takes it for one too: with a point and a
// sign if it has an exponent.
func yamlNumber(n string) string {
	i := strings.IndexAny(n, "eE")
	if i < 0 {
		return n
	}
	mantissa, exponent := n[:i], n[i+1:]
	if !strings.Contains(mantissa, ".") {
		mantissa += ".0"
	}
	if exponent[0] != '+' && exponent[0] != '-' {
		exponent = "+" + exponent
	}
	return mantissa + "e" + exponent
}

// quoted is a text as JSON, in which nothing is left that YAML does not allow.
func quoted(s string) string {
	var text strings.Builder
	_ = WriteJSONLine(&text, s) // a string can be written
	return strings.TrimSuffix(text.String(), "\n")
}
