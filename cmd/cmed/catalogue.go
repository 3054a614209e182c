package main

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"github.com/chaos-monkey-engine/cmed/internal/client"
	"github.com/chaos-monkey-engine/cmed/internal/screen"
)

const catalogueLong = `Without an argument, lists what the daemon offers. With a REF, shows what it is,
the arguments it takes, and an example of its config {ref, args} to put into a plan.`

// newAttacks and newPlanners show what there is to plan with.
func newAttacks(p program) *cobra.Command {
	return newCatalogue(p, "attacks [REF]", "Show the attacks that there are, or one with its arguments", client.Attacks)
}

func newPlanners(p program) *cobra.Command {
	return newCatalogue(p, "planners [REF]", "Show the planners that there are, or one with its arguments", client.Planners)
}

func newCatalogue(p program, use, short string, kind client.Kind) *cobra.Command {
	cmd := &cobra.Command{Use: use, Short: short, Long: catalogueLong, Args: atMostOne("a ref")}
	r := newRemote(cmd, p, "table")
	cmd.ValidArgsFunction = r.complete(refsOf(kind))
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		return r.run(cmd.Context(), func(ctx context.Context, c *client.Client) error {
			if len(args) == 1 {
				return r.showOffer(ctx, c, kind, args[0])
			}
			return r.listOffers(ctx, c, kind)
		})
	}
	return cmd
}

func (r *remote) listOffers(ctx context.Context, c *client.Client, kind client.Kind) error {
	offers, err := c.Offers(ctx, kind)
	if err != nil {
		return err
	}
	if r.forPrograms() {
		return r.write(map[string]any{string(kind): raws(offers, func(o client.Offer) json.RawMessage { return o.Raw })})
	}
	if kind == client.Planners {
		table := screen.NewTable("REF", "VERSION", "TITLE")
		for _, o := range offers {
			table.Row(o.Ref, o.Version, o.Title)
		}
		return r.table(table, "no planners: see cmed plugins")
	}
	table := screen.NewTable("REF", "EFFECT", "CAN", "VERSION", "TITLE")
	for _, o := range offers {
		table.Row(o.Ref, o.Effect, abilities(o), o.Version, o.Title)
	}
	return r.table(table, "no attacks: see cmed plugins")
}

// abilities are what an attack can do besides running.
func abilities(o client.Offer) string {
	var can []string
	if o.CanDryRun {
		can = append(can, "dry run")
	}
	if o.CanListTargets {
		can = append(can, "targets")
	}
	if o.CanCheck {
		can = append(can, "check")
	}
	return strings.Join(can, ", ")
}

func (r *remote) showOffer(ctx context.Context, c *client.Client, kind client.Kind, ref string) error {
	o, err := c.Offer(ctx, kind, ref)
	if err != nil {
		return err
	}
	if r.forPrograms() {
		return r.write(o.Raw)
	}
	s := r.screen()
	r.say("%s", strings.TrimRight(s.Paint(screen.Bold, printable(o.Ref))+"  "+printable(o.Title), " "))
	if o.Description != "" {
		r.say("%s", printableLines(strings.TrimSpace(o.Description)))
	}
	facts := []fact{
		{"effect", o.Effect},
		{"can", abilities(o)},
		{"aliases", strings.Join(o.Aliases, ", ")},
		{"version", o.Version},
		{"plugin", fmt.Sprintf("%s (sha256 %.12s)", o.Links.Plugin.Title, o.Digest)},
	}
	if err := r.facts(facts); err != nil {
		return err
	}
	if err := r.arguments(o.Schema); err != nil {
		return err
	}
	if o.Example == nil {
		return nil
	}
	r.say("\n%s", s.Paint(screen.Bold, "example"))
	return screen.WriteJSON(r.stdout, o.Example)
}

// property is what is shown of a JSON schema.
type property struct {
	Type        any                 `json:"type"`
	Description string              `json:"description"`
	Default     json.RawMessage     `json:"default"`
	Enum        []any               `json:"enum"`
	Required    []string            `json:"required"`
	Properties  orderedMap          `json:"properties"`
	Ref         string              `json:"$ref"`
	Defs        map[string]property `json:"$defs"`
}

// orderedMap keeps the properties in the order in which the author wrote them.
type orderedMap struct {
	names []string
	of    map[string]property
}

func (m *orderedMap) UnmarshalJSON(text []byte) error {
	if err := json.Unmarshal(text, &m.of); err != nil {
		return err
	}
	d := json.NewDecoder(bytes.NewReader(text))
	if _, err := d.Token(); err != nil {
		return err
	}
	for d.More() {
		name, err := d.Token()
		if err != nil {
			return err
		}
		var value json.RawMessage
		if err := d.Decode(&value); err != nil {
			return err
		}
		m.names = append(m.names, fmt.Sprint(name))
	}
	return nil
}

// arguments shows the arguments that a schema of {ref, args}, or of args, names.
// What can't be read of it is left out: -o json has all.
func (r *remote) arguments(schema json.RawMessage) error {
	var whole property
	if json.Unmarshal(schema, &whole) != nil {
		return nil
	}
	whole = whole.resolved(whole.Defs)
	if args, nested := whole.Properties.of["args"]; nested {
		whole = args.resolved(whole.Defs)
	}
	if len(whole.Properties.names) == 0 {
		return nil
	}
	s := r.screen()
	r.say("\n%s", s.Paint(screen.Bold, "arguments"))
	for _, name := range whole.Properties.names {
		p := whole.Properties.of[name]
		words := []string{p.kind()}
		switch {
		case slices.Contains(whole.Required, name):
			words = append(words, "required")
		case p.Default != nil:
			words = append(words, "default "+string(p.Default))
		}
		words = slices.DeleteFunc(words, func(w string) bool { return w == "" })
		line := s.Paint(screen.Cyan, printable(name)) + "  " + printable(strings.Join(words, ", "))
		r.say("  %s", strings.TrimRight(line, " "))
		if p.Description != "" {
			r.say("%s", screen.Wrap(printable(p.Description), "      ", s.Width))
		}
	}
	return nil
}

// resolved is what a reference to a definition of the same schema stands for.
func (p property) resolved(defs map[string]property) property {
	if target, ok := defs[strings.TrimPrefix(p.Ref, "#/$defs/")]; ok && p.Ref != "" {
		target.Defs = defs
		return target
	}
	p.Defs = defs
	return p
}

// kind is the type, or the values that there are.
func (p property) kind() string {
	if len(p.Enum) > 0 {
		words := make([]string, len(p.Enum))
		for i, v := range p.Enum {
			words[i] = fmt.Sprint(v)
		}
		return strings.Join(words, "|")
	}
	switch t := p.Type.(type) {
	case string:
		return t
	case []any:
		return strings.ReplaceAll(strings.Trim(fmt.Sprint(t), "[]"), " ", "|")
	default:
		return ""
	}
}
