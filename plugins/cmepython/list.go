package cmepython

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"slices"
	"strings"
	"time"

	"github.com/chaos-monkey-engine/cmed/sdk"
	"github.com/chaos-monkey-engine/cmed/sdk/schema"
)

const (
	// listing is how long all modules together may take; the host waits 5
	// seconds for a description. Python is told less, so that it has time to
	// say which module was too slow.
	listing   = 4 * time.Second
	importing = 3 * time.Second
	// mostOffers and mostBytes are what a description has room for.
	mostOffers = 256
	mostBytes  = 768 << 10
)

// env is what is asked for by every class: what libraries for clouds read.
var env = []string{
	"AWS_*", "HOME", "HTTP_PROXY", "HTTPS_PROXY", "NO_PROXY", "http_proxy", "https_proxy", "no_proxy",
	"SSL_CERT_FILE", "SSL_CERT_DIR",
}

// list imports all modules and offers the classes in them. Nothing that is wrong
// with a module is an error.
func (b bridge) list(ctx context.Context) ([]sdk.Offer, []string, error) {
	if found, err := hasModules(b.folder); err != nil {
		return nil, []string{err.Error()}, nil
	} else if !found {
		return nil, nil, nil
	}
	ctx, cancel := context.WithTimeout(ctx, listing)
	defer cancel()
	var classes []class
	var warnings []string
	looking := "python3"
	last, err := b.hold(ctx, talk{
		request: request{Do: "list", Seconds: importing.Seconds()},
		zone:    "UTC",
		heard: func(e event) {
			switch {
			case e.Looking != "":
				looking = e.Looking
			case e.Offer != nil:
				classes = append(classes, *e.Offer)
			case e.Warning != "":
				warnings = append(warnings, e.Warning)
			}
		},
		said: func(string, string) {}, // what modules print when they are imported
	})
	switch {
	case errors.Is(err, context.DeadlineExceeded):
		warnings = append(warnings, fmt.Sprintf("%s: it hangs: after %s it and the modules after it were given up", looking, listing))
	case err != nil && !isExposure(err) && !errors.Is(err, errNoPython):
		warnings = append(warnings, fmt.Sprintf("%s: %v", looking, err))
	case err != nil:
		warnings = append(warnings, "the modules in "+b.folder+" are not served: "+err.Error())
	case last.Failure != "":
		warnings = append(warnings, last.Failure)
	}
	offers, more := b.offers(classes)
	return offers, append(warnings, more...), nil
}

// hasModules says whether there is anything to import.
func hasModules(folder string) (bool, error) {
	entries, err := os.ReadDir(folder)
	if errors.Is(err, fs.ErrNotExist) {
		return false, nil
	}
	if err != nil {
		return false, fmt.Errorf("the folder of modules can't be read: %w", err)
	}
	return slices.ContainsFunc(entries, func(e fs.DirEntry) bool { return isModule(e.Name(), e.IsDir() || e.Type()&fs.ModeSymlink != 0) }), nil
}

// isModule says whether a name in the folder may be a module's, or a package's.
func isModule(name string, folder bool) bool {
	return !strings.HasPrefix(name, "_") && !strings.HasPrefix(name, ".") && (folder || strings.HasSuffix(name, ".py"))
}

// offers makes offers of classes. Of two with one ref, the one whose file has the
// name that is in the ref is offered, else the first.
func (b bridge) offers(classes []class) (offers []sdk.Offer, warnings []string) {
	slices.SortStableFunc(classes, func(a, b class) int { return cmp.Compare(rank(a), rank(b)) })
	holders, size := map[string]string{}, 0
	for _, c := range classes {
		info, more, err := c.info(b.kind)
		if other, taken := holders[info.Ref]; err == nil && taken {
			more, err = nil, fmt.Errorf("%s has the ref %s too", other, info.Ref)
		}
		warnings = append(warnings, more...)
		if err != nil {
			warnings = append(warnings, fmt.Sprintf("%s: it is not offered: %v", c.place(), err))
			continue
		}
		if size += c.size(); size > mostBytes || len(offers) == mostOffers {
			warnings = append(warnings, c.place()+": it and the classes after it are not offered: there are too many for one plugin")
			break
		}
		// CME found classes by file and name, whatever their ref says.
		for _, name := range []string{info.Ref, c.Module + ":" + c.Class} {
			ref, alias, ok := names(name)
			if _, taken := holders[ref]; taken || !ok {
				continue
			}
			holders[ref] = c.place()
			info.Aliases = append(info.Aliases, alias)
			if ref != info.Ref {
				info.Aliases = append(info.Aliases, ref)
			}
		}
		offers = append(offers, b.offer(info))
	}
	return offers, warnings
}

// rank puts classes that are where their ref says before others.
func rank(c class) int {
	if strings.HasPrefix(c.Ref, c.Module+":") || strings.HasPrefix(c.Ref, c.Module+".") {
		return 0
	}
	return 1
}

func (c class) place() string { return c.File + ", class " + c.Class }

// size is about how long the description of the class is, in bytes.
func (c class) size() int { return len(c.Schema) + len(c.Example) + len(c.Description) + 1<<10 }

// info describes the class. An example that does not fit the schema is left out,
// with a warning; a schema that is none is an error.
func (c class) info(kind string) (info sdk.Info, warnings []string, err error) {
	ref, _, ok := names(c.Ref)
	if !ok {
		return sdk.Info{}, nil, fmt.Errorf("the ref %.100q is not of the form module:Class", c.Ref)
	}
	compiled, err := schema.Compile(c.Schema)
	if err != nil {
		return sdk.Info{}, nil, fmt.Errorf("its schema is wrong: %w", err)
	}
	whole := &sdk.Whole{Schema: c.Schema}
	if len(c.Example) > 0 && string(c.Example) != "null" {
		if wrong := compiled.Validate(c.Example); len(wrong) > 0 {
			warnings = append(warnings, fmt.Sprintf("%s: its example is left out, for it does not fit the schema: %s %s",
				c.place(), cmp.Or(wrong[0].Pointer, "the whole"), wrong[0].Message))
		} else {
			whole.Examples = []json.RawMessage{c.Example}
		}
	}
	info = sdk.Info{
		Ref: ref, Title: c.Title, Description: c.Description, Version: c.Version,
		Whole: whole, Env: slices.Concat(env, c.Env),
	}
	if kind == "attack" {
		info.Effect, info.DryRun = sdk.Effect(c.Effect), c.DryRun
	}
	return info, warnings, nil
}

// names returns the two forms of a ref: module:Class and module.Class.
func names(ref string) (canonical, alias string, ok bool) {
	i := strings.LastIndexAny(ref, ":.")
	if i <= 0 || len(ref) > 200 || !isWord(ref[i+1:]) {
		return "", "", false
	}
	for word := range strings.SplitSeq(ref[:i], ".") {
		if !isWord(word) {
			return "", "", false
		}
	}
	return ref[:i] + ":" + ref[i+1:], ref[:i] + "." + ref[i+1:], true
}

// isWord says whether s is a letter or underscore followed by such or digits.
func isWord(s string) bool {
	for i := range len(s) {
		letter := s[i] == '_' || 'a' <= s[i] && s[i] <= 'z' || 'A' <= s[i] && s[i] <= 'Z'
		if !letter && (i == 0 || s[i] < '0' || s[i] > '9') {
			return false
		}
	}
	return s != ""
}
