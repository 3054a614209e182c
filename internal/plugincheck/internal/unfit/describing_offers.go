package main

import (
	"encoding/json"
	"fmt"
	"strings"

	"github.com/chaos-monkey-engine/cmed/sdk/pluginv1"
)

// Faults in what a plugin says of a ref.
func init() {
	register("ref-without-colon", attack(func(o *pluginv1.Offer) { rename(o, "unfit") }))
	register("ref-twice", described(func(d *pluginv1.Description) { d.Offers = append(d.Offers, d.Offers[1]) }))
	register("kind-unknown", attack(func(o *pluginv1.Offer) { o.Kind = "probe" }))
	register("alias-malformed", attack(func(o *pluginv1.Offer) { o.Aliases = []string{"my attack"} }))
	register("alias-is-a-ref", described(func(d *pluginv1.Description) {
		other := d.Offers[0]
		other.Aliases = []string{attackRef}
		rename(&other, "unfit:Other")
		d.Offers = append(d.Offers, other)
	}))
	register("no-title", attack(func(o *pluginv1.Offer) { o.Title = " " }))
	register("title-of-two-lines", attack(func(o *pluginv1.Offer) { o.Title = "Makes\na file" }))
	register("title-long", attack(func(o *pluginv1.Offer) { o.Title = strings.Repeat("Makes ", 20) }))
	register("no-description", attack(func(o *pluginv1.Offer) { o.Description = "" }))
	register("no-version", attack(func(o *pluginv1.Offer) { o.Version = "" }))
	register("undoable-without-undo", attack(func(o *pluginv1.Offer) { o.CanUndo = false }))
	register("undo-of-no-effect", attack(func(o *pluginv1.Offer) { o.Effect = "none" }))
	register("effect-unsaid", attack(func(o *pluginv1.Offer) { o.Effect, o.CanUndo = "", false }))
	register("planner-with-undo", planner(func(o *pluginv1.Offer) { o.CanUndo = true }))
	register("planner-with-effect", planner(func(o *pluginv1.Offer) { o.Effect = "irreversible" }))
	register("asks-for-path", attack(func(o *pluginv1.Offer) { o.Env = []string{"PATH"} }))
	register("asks-for-everything", attack(func(o *pluginv1.Offer) { o.Env = []string{"*"} }))
	register("asks-for-nonsense", attack(func(o *pluginv1.Offer) { o.Env = []string{"MY-VARIABLE"} }))

	register("schema-absent", attack(func(o *pluginv1.Offer) { o.Schema = json.RawMessage("{}") }))
	register("schema-required-inside", schema(`"description"`, `"required": true, "description"`))
	register("schema-of-anything", described(func(d *pluginv1.Description) {
		d.Offers[0].Schema = json.RawMessage(strings.Replace(attackSchema, `"type": "object",`, "", 1))
	}))
	register("schema-of-bare-args", attack(func(o *pluginv1.Offer) {
		o.Schema = json.RawMessage(`{"type":"object","properties":{"note":{"type":"string","description":"A note"}}}`)
	}))
	register("schema-open", schema(`"additionalProperties": false`, `"minProperties": 1`))
	register("argument-undescribed", schema(`, "description": "What is written into the file"`, ""))
	register("default-misfit", property("count", `{"type": "integer", "description": "How many", "maximum": 5, "default": 9}`))
	register("widget-unknown", property("count", `{"type": "integer", "description": "How many", "x-ui": {"widget": "nmber"}}`))
	register("hint-misspelt", property("count", `{"type": "integer", "description": "How many", "x-ui": {"oder": 1}}`))
	register("secret-unmarked", property("api_key", `{"type": "string", "description": "The key"}`))
	register("secret-in-list-unmarked", property("logins",
		`{"type": "array", "description": "Logins", "items": {"type": "object", "properties": {"dbPassword": {"type": "string", "description": "Its password"}}}}`))
	register("secret-with-default", property("token", `{"type": "string", "description": "A token", "writeOnly": true, "default": "0000"}`))
	register("secrets-well-kept", property("password",
		`{"type": "string", "description": "A password", "writeOnly": true}, "password_env": {"type": "string", "description": "Where it is", "default": "PASSWORD"}, "tokens": {"type": "integer", "description": "How many"}`))

	register("example-absent", attack(func(o *pluginv1.Offer) { o.Examples = nil }))
	register("example-misfit", attack(func(o *pluginv1.Offer) {
		o.Examples = append(o.Examples, json.RawMessage(`{"ref":"unfit:Attack","args":{"note":5}}`))
	}))
	register("example-of-another", attack(func(o *pluginv1.Offer) {
		o.Schema = json.RawMessage(strings.Replace(attackSchema, `, "const": "unfit:Attack"`, "", 1))
		o.Examples = []json.RawMessage{json.RawMessage(`{"ref":"fit:Attack","args":{"note":"hello"}}`)}
	}))
}

// rename gives an attack another ref, in its schema and example too.
func rename(o *pluginv1.Offer, ref string) {
	o.Ref = ref
	o.Schema = json.RawMessage(strings.ReplaceAll(attackSchema, attackRef, ref))
	o.Examples = []json.RawMessage{json.RawMessage(fmt.Sprintf(`{"ref":%q,"args":{"note":"hello"}}`, ref))}
}

func attack(change func(*pluginv1.Offer)) func(*behaviour) {
	return described(func(d *pluginv1.Description) { change(&d.Offers[0]) })
}

func planner(change func(*pluginv1.Offer)) func(*behaviour) {
	return described(func(d *pluginv1.Description) { change(&d.Offers[1]) })
}

// schema replaces a part of the attack's schema, wherever it is.
func schema(part, by string) func(*behaviour) {
	return attack(func(o *pluginv1.Offer) {
		if !strings.Contains(attackSchema, part) {
			panic("the schema has no " + part)
		}
		o.Schema = json.RawMessage(strings.ReplaceAll(attackSchema, part, by))
	})
}

// property adds an argument.
func property(name, text string) func(*behaviour) {
	return schema(`"note": {`, fmt.Sprintf(`%q: %s, "note": {`, name, text))
}
