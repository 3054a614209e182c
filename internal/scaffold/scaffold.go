package scaffold

import (
	"bytes"
	"embed"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"text/template"

	"github.com/chaos-monkey-engine/cmed/sdk"
)

// Kind is what is to be written.
type Kind string

// The kinds.
const (
	Attack  Kind = "attack"
	Planner Kind = "planner"
)

// goVersion is the oldest version of Go that the SDK can be built with.
const goVersion = "1.26.0"

// Order says what is to be written and where.
type Order struct {
	Kind Kind
	Name string
	// Folder is where; "" is one named by Name in the working directory. If it is
	// there it must be empty.
	Folder string
	// Module is the path of the Go module; "" is one of example.com.
	Module string
	// SDK is a folder with the sources of cmed; "" looks for those that one of
	// Places lies in, else the release of the SDK is used.
	SDK    string
	Places []string
}

// Made is what was written.
type Made struct {
	Name, Ref, Folder, Module string
	// Sources is where the module takes the SDK from; "": the release Version.
	Sources, Version string
	// Args is an example of the args, as JSON.
	Args  string
	Files []File
}

// File is one that was written.
type File struct {
	Name string
	What string // in words; "" where the name says it
	text []byte
}

// templates by kind, and those of both.
//
//go:embed templates
var templates embed.FS

// files are what a module has, besides what the go command writes.
var files = []struct{ name, template, what string }{
	{"main.go", "%s/main.go.tmpl", "the %s: change it"},
	{"main_test.go", "%s/main_test.go.tmpl", "its test, in no daemon"},
	{"README.md", "%s/README.md.tmpl", "how to build, test, check and try it"},
	{"Makefile", "both/Makefile.tmpl", "does that"},
	{"go.mod", "both/go.mod.tmpl", ""},
	{".gitignore", "both/gitignore.tmpl", ""},
}

// view is what the templates are filled from.
type view struct {
	Kind                           Kind
	Name, Ref, Title, Config, Args string
	Module, Go, Version, Replace   string
	FolderVariable                 string // of the Makefile: where to install
}

// Write writes the module. What is wrong with the order is a *Refused. Nothing is
// left when it fails.
func Write(o Order) (*Made, error) {
	n, err := namesOf(o.Name)
	if err != nil {
		return nil, err
	}
	if o.Folder == "" {
		o.Folder = n.file
	}
	if o.Module == "" {
		o.Module = "example.com/" + strings.ToLower(n.file)
	}
	if !properPath.MatchString(o.Module) {
		return nil, refusef("%q can't be the path of a Go module: it is written like github.com/somebody/%s", o.Module, n.file)
	}
	folder, err := filepath.Abs(o.Folder)
	if err != nil {
		return nil, fmt.Errorf("resolve %s: %w", o.Folder, err)
	}
	if parent := filepath.Dir(folder); !isFolder(parent) {
		return nil, refusef("there is no folder %s to make %s in", parent, filepath.Base(folder))
	}
	sources, err := sourcesFor(o.SDK, o.Places)
	if err != nil {
		return nil, err
	}
	made := &Made{
		Name: n.file, Ref: n.ref, Folder: o.Folder, Module: o.Module, Sources: sources, Version: sdk.Version,
		Args: exampleArgs(o.Kind, n.file),
	}
	v := view{
		Kind: o.Kind, Name: n.file, Ref: n.ref, Title: n.title, Args: made.Args,
		Config: fmt.Sprintf(`{"ref": %q, "args": %s}`, n.ref, made.Args), Module: o.Module, Go: goVersion,
		Version: sdk.Version, Replace: quoted(sources), FolderVariable: strings.ToUpper(string(o.Kind)) + "S",
	}
	if made.Files, err = fill(v); err != nil {
		return nil, err
	}
	return made, writeAll(folder, made.Files)
}

// quoted is a path as go.mod takes it.
func quoted(path string) string {
	if strings.ContainsAny(path, " \t\"'`(),;[]{}") {
		return strconv.Quote(path)
	}
	return path
}

func exampleArgs(kind Kind, name string) string {
	if kind == Planner {
		return `{"every": "10m", "times": 3}`
	}
	return fmt.Sprintf(`{"path": "/tmp/%s-marker", "hold": "10s"}`, name)
}

func isFolder(path string) bool {
	info, err := os.Stat(path)
	return err == nil && info.IsDir()
}

// fill makes the files of the templates.
func fill(v view) ([]File, error) {
	var all []File
	for _, f := range files {
		path := f.template
		if strings.Contains(path, "%s") {
			path = fmt.Sprintf(path, v.Kind)
		}
		what := f.what
		if strings.Contains(what, "%s") {
			what = fmt.Sprintf(what, v.Kind)
		}
		t, err := template.ParseFS(templates, "templates/"+path)
		if err != nil {
			return nil, fmt.Errorf("read a template: %w", err)
		}
		var text bytes.Buffer
		if err := t.Option("missingkey=error").Execute(&text, v); err != nil {
			return nil, fmt.Errorf("fill a template: %w", err)
		}
		all = append(all, File{Name: f.name, What: what, text: text.Bytes()})
	}
	return all, nil
}
