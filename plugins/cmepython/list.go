package cmepython

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/chaos-monkey-engine/cmed/sdk"
	"github.com/chaos-monkey-engine/cmed/sdk/pluginv1"
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
	modules, err := countModules(b.folder)
	switch {
	case err != nil:
		return nil, []string{err.Error()}, nil
	case modules == 0:
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
	case err != nil && !isExposed(err) && !errors.Is(err, errNoPython):
		warnings = append(warnings, fmt.Sprintf("%s: %v", looking, err))
	case err != nil:
		warnings = append(warnings, fmt.Sprintf("none of the modules in %s is served, %d in all: %v", b.folder, modules, err))
	case last.Failure != "":
		warnings = append(warnings, last.Failure)
	}
	offers, more := b.offers(classes)
	return offers, append(warnings, more...), nil
}

// countModules counts what may offer classes, by the rule that the shim has: files
// and packages, but no tests and nothing whose name says that it is private.
func countModules(folder string) (int, error) {
	entries, err := os.ReadDir(folder)
	if errors.Is(err, fs.ErrNotExist) {
		return 0, nil
	}
	if err != nil {
		return 0, fmt.Errorf("the folder of modules can't be read: %w", err)
	}
	n := 0
	for _, e := range entries {
		name, isFile := strings.CutSuffix(e.Name(), ".py")
		if strings.HasPrefix(name, "_") || strings.HasPrefix(name, ".") || strings.HasPrefix(name, "test_") ||
			strings.HasSuffix(name, "_test") || name == "chaosmonkey" || name == "cmedbridge" {
			continue
		}
		code := filepath.Join(folder, e.Name())
		if !isFile {
			code = filepath.Join(code, "__init__.py")
		}
		if info, err := os.Stat(code); err == nil && info.Mode().IsRegular() {
			n++
		}
	}
	return n, nil
}

// offers makes offers of classes. Of two with one ref, the one that is where the ref
// says has it, else the first; the other is offered by its module and name, if it
// can be.
func (b bridge) offers(classes []class) (offers []sdk.Offer, warnings []string) {
	slices.SortStableFunc(classes, func(a, b class) int { return cmp.Compare(rank(a), rank(b)) })
	holders, size := map[string]string{}, 0
	for _, c := range classes {
		info, more, err := c.info(b.kind)
		if _, taken := holders[info.Ref]; err == nil && taken {
			more, err = c.moveHome(&info, holders, more)
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
		for _, name := range []string{info.Ref, c.own()} {
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
	if ref, _, _ := names(c.Ref); ref == c.own() {
		return -1
	}
	if strings.HasPrefix(c.Ref, c.Module+":") || strings.HasPrefix(c.Ref, c.Module+".") {
		return 0
	}
	return 1
}

func (c class) place() string { return c.File + ", class " + c.Class }

// own is the ref that the class has by where it is.
func (c class) own() string { return c.Module + ":" + c.Class }

// moveHome offers a class whose ref another one has under its own, if that is free.
// A class that only inherits its ref needs no word about it.
func (c class) moveHome(info *sdk.Info, holders map[string]string, warnings []string) ([]string, error) {
	other, own := holders[info.Ref], c.own()
	if _, taken := holders[own]; taken || !pluginv1.IsRef(own) {
		return nil, fmt.Errorf("%s has the ref %s too", other, info.Ref)
	}
	if !c.Inherits {
		warnings = append(warnings, fmt.Sprintf("%s: %s has the ref %s too; it is offered as %s", c.place(), other, info.Ref, own))
	}
	info.Ref, info.Whole.Examples = own, calling(info.Whole.Examples, own)
	return warnings, nil
}

// calling has examples call the class by another ref.
func calling(examples []json.RawMessage, ref string) []json.RawMessage {
	var changed []json.RawMessage
	for _, e := range examples {
		var config map[string]any
		if err := json.Unmarshal(e, &config); err != nil {
			continue // it is no config, so it calls nothing
		}
		config["ref"] = ref
		if doc, err := json.Marshal(config); err == nil {
			changed = append(changed, doc)
		}
	}
	return changed
}

// size is about how long the description of the class is, in bytes.
func (c class) size() int { return len(c.Schema) + len(c.Example) + len(c.Description) + 1<<10 }

// info describes the class. An example that does not fit the schema is left out,
// with a warning; a schema that is none is an error.
func (c class) info(kind string) (info sdk.Info, warnings []string, err error) {
	ref, _, ok := names(c.Ref)
	if !ok {
		return sdk.Info{}, nil, errors.New(wrongRef(c.Ref))
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

// names returns the two forms of a ref, module:Class and module.Class, if a host
// takes it.
func names(ref string) (canonical, alias string, ok bool) {
	i := strings.LastIndexAny(ref, ":.")
	if i <= 0 {
		return "", "", false
	}
	canonical = ref[:i] + ":" + ref[i+1:]
	return canonical, ref[:i] + "." + ref[i+1:], pluginv1.IsRef(canonical)
}

// wrongRef says what is wrong with a ref.
func wrongRef(ref string) string {
	said := fmt.Sprintf("the ref %.100q is not of the form module:Class", ref)
	for _, r := range ref {
		if r != ':' && !pluginv1.IsAlias("a"+string(r)) {
			return fmt.Sprintf("%s: it has %q in it; what can be are letters of ASCII, digits, '_', '-' and '.'", said, r)
		}
	}
	return said
}
