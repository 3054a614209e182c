package store

import (
	"errors"
	"fmt"
	"net/url"
	"regexp"
)

// scheme matches what makes a string a URI. A single letter is none, and a file
// name with a colon can be written with ./ before it.
var scheme = regexp.MustCompile(`^([A-Za-z][A-Za-z0-9+.-]+):`)

// ParseURI returns the path of the store's file that s names: either a path as
// it is, or bolt:///absolute/path. An error never repeats more of s than its
// scheme, since database URIs carry passwords.
func ParseURI(s string) (string, error) {
	if s == "" {
		return "", errors.New("the database URI is empty: give a path such as ./cme.db")
	}
	found := scheme.FindStringSubmatch(s)
	if found == nil {
		return s, nil
	}
	if found[1] != "bolt" {
		return "", fmt.Errorf("%s: is not a database cmed can use: it keeps everything in one file of its own; "+
			"give a path such as ./cme.db, or bolt:///var/lib/cmed/cme.db", found[1])
	}
	u, err := url.Parse(s)
	if err != nil || u.Host != "" || u.User != nil || u.Opaque != "" || len(u.Path) < 2 {
		return "", errors.New("write bolt: with three slashes and an absolute path, " +
			"as in bolt:///var/lib/cmed/cme.db, or give the path alone")
	}
	if u.RawQuery != "" || u.Fragment != "" {
		return "", errors.New("a bolt: URI takes no options: write bolt:///var/lib/cmed/cme.db")
	}
	return u.Path, nil
}
