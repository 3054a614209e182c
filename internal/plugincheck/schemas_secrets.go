package plugincheck

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"
	"unicode"

	"github.com/chaos-monkey-engine/cmed/sdk/schema"
)

// secretWords are the last words of names of secrets; a name of several words is
// written here without what separates them.
var secretWords = []string{
	"password", "passwd", "passphrase", "secret", "token", "apikey", "privatekey", "accesskey", "secretkey",
	"credential", "credentials", "authorization", "passwords", "secrets", "tokens",
}

// publicWords are names that end like secrets and are none: the id of a key, and
// what continues or repeats a listing or a request.
var publicWords = []string{"nexttoken", "pagetoken", "continuationtoken", "clienttoken", "idempotencytoken"}

// namesSecret says whether a property's name says that its value is a secret:
// "db_password", "apiKey"; not "password_env" or "token_file", which say where
// one is.
func namesSecret(name string) bool {
	var plain strings.Builder
	for _, r := range name {
		if unicode.IsLetter(r) || unicode.IsDigit(r) {
			plain.WriteRune(unicode.ToLower(r))
		}
	}
	text := plain.String()
	ends := func(word string) bool { return strings.HasSuffix(text, word) }
	return slices.ContainsFunc(secretWords, ends) && !slices.ContainsFunc(publicWords, ends)
}

func marksSecrets(_ context.Context, s *subject) verdict {
	properties, err := schema.Properties(s.offer.Schema)
	if err != nil {
		return failed("its properties can't be listed: %s", err)
	}
	var open []string
	for _, p := range properties {
		if namesSecret(p.Name) && !p.Secret && holdsText(p) && !secretBelow(p, properties) {
			open = append(open, p.Pointer)
		}
	}
	switch len(open) {
	case 0:
		return passed()
	case 1:
		return failed("%s is not writeOnly", open[0])
	}
	return failed("%s are not writeOnly", strings.Join(open, ", "))
}

// holdsText says whether a property can hold a secret: a number, a truth or
// nothing says how one is used.
func holdsText(p schema.Property) bool {
	return len(p.Types) == 0 || slices.ContainsFunc(p.Types, func(t string) bool {
		return t == "string" || t == "object" || t == "array"
	})
}

// secretBelow says whether a property only holds others and some of these are
// marked: then the author has thought of it.
func secretBelow(p schema.Property, all []schema.Property) bool {
	if slices.Contains(p.Types, "string") {
		return false
	}
	return slices.ContainsFunc(all, func(other schema.Property) bool {
		return other.Secret && strings.HasPrefix(other.Pointer, p.Pointer+"/")
	})
}

// revealing are the keywords that contain values.
var revealing = []string{"default", "example", "examples", "const", "enum"}

func showsNoSecret(_ context.Context, s *subject) verdict {
	decoder := json.NewDecoder(bytes.NewReader(s.offer.Schema))
	decoder.UseNumber()
	var tree any
	if err := decoder.Decode(&tree); err != nil {
		return failed("its schema can't be read: %s", err)
	}
	if at, ok := revealed("", tree, false); ok {
		return failed("%s in the schema shows a value", at)
	}
	return passed()
}

// revealed returns a pointer to a keyword that shows a value of something
// writeOnly, or of a part of it.
func revealed(at string, tree any, secret bool) (pointer string, found bool) {
	switch node := tree.(type) {
	case []any:
		for i, part := range node {
			if p, found := revealed(fmt.Sprintf("%s/%d", at, i), part, secret); found {
				return p, true
			}
		}
	case map[string]any:
		marked, _ := node["writeOnly"].(bool)
		secret = secret || marked
		for _, name := range slices.Sorted(maps.Keys(node)) {
			if slices.Contains(revealing, name) && !strings.HasSuffix(at, "/properties") {
				if secret {
					return at + "/" + name, true
				}
				continue // a value, not a schema
			}
			if p, found := revealed(at+"/"+escape(name), node[name], secret); found {
				return p, true
			}
		}
	}
	return "", false
}
