package sdk

import (
	"context"
	"encoding/json"
	"fmt"
	"reflect"
	"strings"
)

// Offer is something a plugin offers under a ref: an Attack or a Planner.
type Offer interface{ offer() *offer }

// Info describes an offer. Only Ref is required.
type Info struct {
	// Ref names the offer: "module:Name", each part a word of ASCII letters,
	// digits and underscores; the module may have dots.
	Ref string
	// Aliases are further names it can be called by. In an alias a dot may
	// stand for the colon.
	Aliases     []string
	Title       string
	Description string
	// Version is the author's; the version of the main module when empty.
	Version string
	// Effect says what remains of an attack when it has run. Empty means
	// Undoable for an attack with an Undo, Irreversible for one without.
	Effect Effect
	// Example and Examples are args that validate against the schema: a T, or
	// anything that marshals to the same JSON. The first one is the one that
	// clients are shown. Without any, the zero T is one if it is valid.
	Example  any
	Examples []any
	// Schema is a JSON Schema of the args. It replaces the one derived from T.
	Schema []byte
	// Whole, if set, takes the place of Schema, Example and Examples: for an offer
	// whose config is not {ref, args}. Such an offer reads Run.Config and its
	// like, and has a T that takes any args: json.RawMessage, or struct{}, which
	// then takes none of them.
	Whole *Whole
	// Env names the environment variables the plugin asks for; "AWS_*" asks
	// for all with that prefix. Asking is not getting: the operator grants.
	Env []string
	// Watch lists files whose change makes the description stale. Relative
	// paths are relative to the folder of the plugin file.
	Watch []string
	// DryRun declares that the attack honours Run.DryRun: it then does no harm
	// and reports what it would do. A dry run is refused for one that doesn't
	// declare it. A planner has none.
	DryRun bool
}

// Whole describes whole configs, as they are posted.
type Whole struct {
	// Schema is the JSON Schema of a config. It is required.
	Schema []byte
	// Examples are configs that validate against it. Each is an object with the
	// ref, or an alias, of the offer as its "ref".
	Examples []json.RawMessage
}

// Effect says what remains of an attack when it has run.
type Effect string

// The effects.
const (
	NoEffect     Effect = "none"
	SelfLimiting Effect = "self_limiting" // it ends by itself
	Undoable     Effect = "undoable"      // an Undo takes it back
	Irreversible Effect = "irreversible"
)

// offer is an Attack or a Planner without its type parameter.
type offer struct {
	Info
	kind     string       // attack, planner
	args     reflect.Type // what args are decoded into
	complete bool         // it has its Run or Plan
	run      func(ctx context.Context, args json.RawMessage, run *Run) error
	undo     func(ctx context.Context, args json.RawMessage, call *UndoCall) (Outcome, error)     // nil: none
	targets  func(ctx context.Context, args json.RawMessage, call *TargetsCall) ([]Target, error) // nil: can't tell
	check    func(ctx context.Context, args json.RawMessage, call *CheckCall) error               // nil: nothing to check
	plan     func(ctx context.Context, call *planCall) ([]Execution, error)
}

// The kinds of offers, as a description names them.
const (
	kindAttack  = "attack"
	kindPlanner = "planner"
)

// Config is a whole config: what is offered under a ref, and its args.
type Config struct {
	Ref  string          `json:"ref"`
	Args json.RawMessage `json:"args,omitempty"`
	// Doc is all of it, as it was posted. It is not written.
	Doc json.RawMessage `json:"-"`
}

// decodeConfig reads a whole config.
func decodeConfig(doc []byte) (Config, error) {
	var c Config
	if err := json.Unmarshal(doc, &c); err != nil {
		return Config{}, fmt.Errorf("read the config: %w", err)
	}
	c.Doc = doc
	return c, nil
}

// decodeArgs reads the args of an offer into T. No args are an empty object. The
// error is about the member that could not be read.
func decodeArgs[T any](offered Info, args json.RawMessage) (T, error) {
	var into T
	if offered.Whole != nil && holdsNothing(reflect.TypeFor[T]()) {
		return into, nil
	}
	if len(args) == 0 || string(args) == "null" {
		args = json.RawMessage("{}")
	}
	if err := json.Unmarshal(args, &into); err != nil {
		pointer := ""
		if wrong, ok := asType[*json.UnmarshalTypeError](err); ok && wrong.Field != "" {
			pointer = "/" + strings.ReplaceAll(wrong.Field, ".", "/")
		}
		return into, Invalid(pointer, "read the args: %w", err)
	}
	return into, nil
}

// holdsNothing says whether a type is struct{}.
func holdsNothing(t reflect.Type) bool { return t.Kind() == reflect.Struct && t.NumField() == 0 }
