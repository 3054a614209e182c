package sdk

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"runtime/debug"
	"strings"

	"github.com/chaos-monkey-engine/cmed/sdk/internal/derive"
	"github.com/chaos-monkey-engine/cmed/sdk/internal/jsondoc"
	"github.com/chaos-monkey-engine/cmed/sdk/internal/precheck"
	"github.com/chaos-monkey-engine/cmed/sdk/pluginv1"
)

// describe checks the offers and returns what the plugin says of itself. The
// error names everything that is wrong. It is not called on the way to a run:
// deriving and checking take time.
func describe(offers []*offer) (pluginv1.Description, error) {
	d := newDescription()
	if len(offers) == 0 {
		return d, errNothing
	}
	var wrong []error
	seen := map[string]bool{}
	for _, o := range offers {
		wrong = append(wrong, o.checkNames(seen, false)...)
	}
	for _, o := range offers {
		described, err := o.describe()
		if err != nil {
			wrong = append(wrong, fmt.Errorf("%s: %w", o.Ref, err))
			continue
		}
		d.Offers = append(d.Offers, described)
	}
	return d, errors.Join(wrong...)
}

func newDescription() pluginv1.Description {
	return pluginv1.Description{Protocol: pluginv1.Version, SDK: "cmed-sdk-go/" + Version, Offers: []pluginv1.Offer{}}
}

// checkNames checks ref and aliases, which must be well formed and used once, and
// enters them into what was seen. They are made of words; where an offer was found,
// in a folder say, they are named by others, and may be whatever a host takes.
func (o *offer) checkNames(seen map[string]bool, found bool) []error {
	var wrong []error
	if wellFormed := isRef(o.Ref, ":") || found && pluginv1.IsRef(o.Ref); !wellFormed {
		wrong = append(wrong, fmt.Errorf(`ref %q is not of the form "module:Name"`, o.Ref))
	} else if !pluginv1.IsRef(o.Ref) {
		wrong = append(wrong, fmt.Errorf("ref %q is too long: at most 100 characters on each side of the colon are allowed", o.Ref))
	}
	for _, alias := range o.Aliases {
		if wellFormed := isRef(alias, ":") || isRef(alias, ".") || found && pluginv1.IsAlias(alias); !wellFormed {
			wrong = append(wrong, fmt.Errorf(`%s: alias %q is not of the form "module:Name" or "module.Name"`, o.Ref, alias))
		} else if !pluginv1.IsAlias(alias) {
			wrong = append(wrong, fmt.Errorf("%s: alias %q is too long: at most 200 characters are allowed", o.Ref, alias))
		}
	}
	for _, name := range append([]string{o.Ref}, o.Aliases...) {
		if seen[name] {
			wrong = append(wrong, fmt.Errorf("%q is offered twice", name))
		}
		seen[name] = true
	}
	return wrong
}

// isRef says whether s is a module and a name around the last separator. Each
// is a word; a module can be several words with dots between.
func isRef(s, separator string) bool {
	i := strings.LastIndex(s, separator)
	if i < 0 || !isWord(s[i+1:]) {
		return false
	}
	for word := range strings.SplitSeq(s[:i], ".") {
		if !isWord(word) {
			return false
		}
	}
	return true
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

// describe returns the JSON form of one offer.
func (o *offer) describe() (pluginv1.Offer, error) {
	if !o.complete {
		return pluginv1.Offer{}, fmt.Errorf("the %s has no code: its Run or Plan is nil", o.kind)
	}
	if o.kind == kindPlanner && o.DryRun {
		return pluginv1.Offer{}, errors.New("a planner has no dry run: it does no harm")
	}
	effect, err := o.effect()
	if err != nil {
		return pluginv1.Offer{}, err
	}
	for _, name := range o.Env {
		if !isWord(strings.TrimSuffix(name, "*")) {
			return pluginv1.Offer{}, fmt.Errorf("%q is not the name of an environment variable, or a prefix and *", name)
		}
		if pluginv1.SetByHost(name) {
			return pluginv1.Offer{}, fmt.Errorf("%s can't be asked for: the host sets it itself", name)
		}
	}
	schema, tree, err := o.schema()
	if err != nil {
		return pluginv1.Offer{}, err
	}
	examples, err := o.examples(tree)
	if err != nil {
		return pluginv1.Offer{}, err
	}
	version := o.Version
	if version == "" {
		version = moduleVersion()
	}
	return pluginv1.Offer{
		Ref: o.Ref, Aliases: o.Aliases, Kind: o.kind, Title: o.Title, Description: o.Description,
		Version: version, Schema: schema, Examples: examples, Effect: string(effect),
		CanUndo: o.undo != nil, CanDryRun: o.DryRun, CanListTargets: o.targets != nil, CanCheck: o.check != nil,
		Env: o.Env, Watch: o.Watch,
	}, nil
}

// effect completes and checks the effect. A planner has none.
func (o *offer) effect() (Effect, error) {
	if o.kind == kindPlanner {
		return "", nil
	}
	switch o.Effect {
	case "":
		if o.undo != nil {
			return Undoable, nil
		}
		return Irreversible, nil
	case Undoable:
		if o.undo == nil {
			return "", errors.New("its effect is said to be undoable, but it has no Undo")
		}
	case NoEffect, SelfLimiting, Irreversible:
	default:
		return "", fmt.Errorf("unknown effect %q", o.Effect)
	}
	return o.Effect, nil
}

// schema returns the schema of the whole config, and the same decoded.
func (o *offer) schema() (doc []byte, tree any, err error) {
	if o.Whole != nil {
		return o.wholeSchema()
	}
	args := o.Schema
	if args == nil {
		if args, err = derive.Args(o.args); err != nil {
			return nil, nil, err
		}
	}
	if _, err := readSchema(args); err != nil {
		return nil, nil, err
	}
	if doc, err = derive.Config(args); err != nil {
		return nil, nil, err
	}
	tree, err = jsondoc.Decode(doc)
	return doc, tree, err
}

// readSchema decodes a schema and refuses one with an obvious mistake.
func readSchema(doc []byte) (tree any, err error) {
	if tree, err = jsondoc.Decode(doc); err != nil {
		return nil, fmt.Errorf("the schema: %w", err)
	}
	if err := precheck.Schema(tree); err != nil {
		return nil, fmt.Errorf("the schema: %w", err)
	}
	return tree, nil
}

// moduleVersion is the version of the module the plugin was built from, "" when
// it was not built from a released one.
func moduleVersion() string {
	build, ok := debug.ReadBuildInfo()
	if !ok || build.Main.Version == "(devel)" {
		return ""
	}
	return build.Main.Version
}

// encodeArgs writes args as JSON; nil stays nil.
func encodeArgs(args any) (json.RawMessage, error) {
	if args == nil {
		return nil, nil
	}
	var b bytes.Buffer
	encoder := json.NewEncoder(&b)
	encoder.SetEscapeHTML(false)
	if err := encoder.Encode(args); err != nil {
		return nil, fmt.Errorf("write the args as JSON: %w", err)
	}
	doc := bytes.TrimSpace(b.Bytes())
	if string(doc) == "null" {
		return nil, nil
	}
	return doc, nil
}
