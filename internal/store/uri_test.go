package store

import (
	"strings"
	"testing"
)

func TestParseURI(t *testing.T) {
	login := "u:hush@h/d"
	for name, c := range map[string]struct{ uri, path, err string }{
		"a path is itself":              {uri: "./cme.db", path: "./cme.db"},
		"a bare name is a path":         {uri: "cme.db", path: "cme.db"},
		"an absolute path":              {uri: "/var/lib/cme.db", path: "/var/lib/cme.db"},
		"a path may have a percent":     {uri: "/tmp/50%.db", path: "/tmp/50%.db"},
		"a path may have a late colon":  {uri: "./a:b", path: "./a:b"},
		"bolt with three slashes":       {uri: "bolt:///var/lib/cme.db", path: "/var/lib/cme.db"},
		"a bolt path may be escaped":    {uri: "bolt:///a%20b", path: "/a b"},
		"empty":                         {err: "the database URI is empty: give a path such as ./cme.db"},
		"bolt with two slashes":         {uri: "bolt://cme.db", err: "write bolt: with three slashes"},
		"bolt with one slash too few":   {uri: "bolt:cme.db", err: "write bolt: with three slashes"},
		"bolt with nothing":             {uri: "bolt:///", err: "write bolt: with three slashes"},
		"bolt with a broken escape":     {uri: "bolt:///a%zz", err: "write bolt: with three slashes"},
		"bolt with options":             {uri: "bolt:///a?mode=ro", err: "a bolt: URI takes no options"},
		"the engine's old default":      {uri: "sqlite:///cme.db", err: "sqlite: is not a database cmed can use"},
		"another database":              {uri: "postgres://" + login, err: "postgres: is not a database cmed can use"},
		"another database with a plus":  {uri: "mysql+pymysql://" + login, err: "mysql+pymysql: is not a database"},
		"bolt with a password in a URI": {uri: "bolt://" + login, err: "write bolt: with three slashes"},
	} {
		t.Run(name, func(t *testing.T) {
			path, err := ParseURI(c.uri)
			if c.err == "" {
				if err != nil || path != c.path {
					t.Fatalf("got %q, %v; want %q", path, err, c.path)
				}
				return
			}
			if err == nil || !strings.HasPrefix(err.Error(), c.err) {
				t.Fatalf("got %v, want %q", err, c.err)
			}
			if strings.Contains(err.Error(), "hush") {
				t.Errorf("the error repeats a password: %v", err)
			}
		})
	}
}
