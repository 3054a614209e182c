package host

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"

	"github.com/chaos-monkey-engine/cmed/internal/engine"
	"github.com/chaos-monkey-engine/cmed/sdk/pluginv1"
	"github.com/chaos-monkey-engine/cmed/sdk/schema"
)

var effects = []engine.Effect{
	engine.EffectNone, engine.EffectSelfLimiting, engine.EffectUndoable, engine.EffectIrreversible,
}

// compiled is a checked descriptor with its schema ready to use.
type compiled struct {
	engine.Descriptor
	schema *schema.Schema
}

// check turns a description into descriptors. One bad offer spoils the file. There
// may be none where something is watched that may yet come.
func check(d *pluginv1.Description) ([]compiled, *engine.PluginError) {
	if n := d.Watched(); n > pluginv1.MaxWatched {
		return nil, &engine.PluginError{
			Stage: "decode", Message: fmt.Sprintf("watches %d files and folders; at most %d are allowed", n, pluginv1.MaxWatched),
			Hint: "watch the folder they are in",
		}
	}
	if len(d.Offers) == 0 && len(d.Watch) > 0 {
		return nil, nil
	}
	if len(d.Offers) == 0 {
		return nil, &engine.PluginError{Stage: "decode", Message: "offers nothing", Hint: "register an attack or a planner with the SDK"}
	}
	if len(d.Offers) > pluginv1.MaxOffers {
		return nil, &engine.PluginError{Stage: "decode", Message: fmt.Sprintf("offers more than %d refs", pluginv1.MaxOffers)}
	}
	seen := map[string]bool{}
	out := make([]compiled, 0, len(d.Offers))
	for _, o := range d.Offers {
		c, err := checkOffer(o)
		if err != nil {
			return nil, err
		}
		key := string(c.Kind) + " " + string(c.Ref)
		if seen[key] {
			return nil, &engine.PluginError{Stage: "ref", Message: fmt.Sprintf("offers the %s twice", key)}
		}
		seen[key] = true
		out = append(out, c)
	}
	return out, nil
}

func checkOffer(o pluginv1.Offer) (compiled, *engine.PluginError) {
	fail := func(stage, format string, args ...any) (compiled, *engine.PluginError) {
		return compiled{}, &engine.PluginError{Stage: stage, Message: o.Ref + ": " + fmt.Sprintf(format, args...)}
	}
	if !pluginv1.IsRef(o.Ref) {
		return compiled{}, &engine.PluginError{
			Stage: "ref", Message: fmt.Sprintf("%q is not a ref", excerpt(o.Ref)),
			Hint: "a ref is module:Name, of letters, digits, dots, dashes and underscores",
		}
	}
	c := compiled{Descriptor: descriptor(o)}
	if c.Kind != engine.KindAttack && c.Kind != engine.KindPlanner {
		return fail("decode", "kind %q is neither attack nor planner", excerpt(o.Kind))
	}
	if !slices.Contains(effects, c.Effect) {
		return fail("decode", "unknown effect %q", excerpt(o.Effect))
	}
	for _, alias := range o.Aliases {
		if !pluginv1.IsAlias(alias) {
			return fail("ref", "%q can't be an alias", excerpt(alias))
		}
	}
	for _, name := range o.Env {
		if !variable.MatchString(name) || pluginv1.SetByHost(name) {
			return fail("decode", "%q can't be asked for as an environment variable", excerpt(name))
		}
	}
	var err error
	if c.schema, err = compile(o.Schema); err != nil {
		return fail("schema", "its schema is not valid: %s", err)
	}
	for i, example := range o.Examples {
		if wrong := c.schema.Validate(example); len(wrong) > 0 {
			return fail("example", "example %d does not fit its schema: %s: %s", i+1, wrong[0].Pointer, wrong[0].Message)
		}
	}
	return c, nil
}

// compile compiles a schema; a schema that makes the compiler panic is an error.
func compile(doc json.RawMessage) (s *schema.Schema, err error) {
	defer func() {
		if p := recover(); p != nil {
			err = fmt.Errorf("the compiler gives up: %v", p)
		}
	}()
	if len(doc) == 0 {
		return nil, fmt.Errorf("there is none")
	}
	return schema.Compile(doc)
}

func descriptor(o pluginv1.Offer) engine.Descriptor {
	d := engine.Descriptor{
		Ref: engine.Ref(o.Ref), Kind: engine.Kind(o.Kind),
		Title: o.Title, Description: o.Description, Version: o.Version,
		Schema: o.Schema, Examples: o.Examples,
		Effect: engine.Effect(strings.ToLower(o.Effect)), CanUndo: o.CanUndo,
		CanDryRun: o.CanDryRun, CanListTargets: o.CanListTargets, CanCheck: o.CanCheck,
		Env: o.Env, Watch: o.Watch,
	}
	if d.Effect == "" {
		d.Effect = engine.EffectIrreversible
	}
	for _, alias := range o.Aliases {
		d.Aliases = append(d.Aliases, engine.Ref(alias))
	}
	return d
}
