package plugincheck

import (
	"context"
	"regexp"
	"slices"
	"strings"

	"github.com/chaos-monkey-engine/cmed/internal/engine"
	"github.com/chaos-monkey-engine/cmed/sdk/pluginv1"
)

// variableForm is the name of a variable, or a prefix and a star.
var variableForm = regexp.MustCompile(`^[A-Za-z_][A-Za-z0-9_]*\*?$`)

// longestTitle is how long a title may be, in characters: it is the one line of
// a list.
const longestTitle = 80

// refChecks look at what a plugin says of a ref, the schema aside.
var refChecks = []check{
	{
		id:    "ref",
		title: "its ref is module:Name, and nothing else in the file has it",
		hint:  "write it like my_module:MyAttack: letters, digits, underscores, dots and dashes, at most 100 on each side of the colon",
		run:   hasGoodRef,
	},
	{
		id:    "kind",
		title: "it says whether it is an attack or a planner",
		hint:  `say "kind": "attack" or "kind": "planner"`,
		run: func(_ context.Context, s *subject) verdict {
			if kind := engine.Kind(s.offer.Kind); kind != engine.KindAttack && kind != engine.KindPlanner {
				return failed("its kind is %q", s.offer.Kind)
			}
			return passed()
		},
	},
	{
		id:    "aliases",
		title: "its aliases are well formed, and nothing else in the file has them",
		hint:  "an alias is module:Name or, as the Chaos Monkey Engine had them, module.Name; take away what is there twice",
		run:   hasGoodAliases,
	},
	{
		id:    "title",
		title: "it has a title of one line",
		hint:  "say in a few words what it does: it is what people see in a list",
		run:   hasTitle,
	},
	{
		id:    "description",
		title: "it has a description",
		hint:  "say in a sentence or two what it does, to what, and what is left of it",
		run: func(_ context.Context, s *subject) verdict {
			if strings.TrimSpace(s.offer.Description) == "" {
				return failed("it has none")
			}
			return passed()
		},
	},
	{
		id:    "version",
		title: "it says its version",
		hint:  "set the version, such as 1.2.0, in what it says of itself: who reads a record of a run must know what ran",
		run: func(_ context.Context, s *subject) verdict {
			if strings.TrimSpace(s.offer.Version) == "" {
				return failed("it says none")
			}
			return passed()
		},
	},
	{
		id:    "effect",
		title: "what it says of its effect, undo and dry run fits together",
		hint:  "see the effects in docs/authors/README.md",
		run:   hasPlausibleEffect,
	},
	{
		id:    "env",
		title: "it asks for environment variables by name",
		hint:  "name each variable, or a prefix of its own with a star such as AWS_*; what cmed sets itself can't be asked for",
		run:   asksForVariables,
	},
}

func hasGoodRef(_ context.Context, s *subject) verdict {
	if !pluginv1.IsRef(s.offer.Ref) {
		return failed("%q is no ref", cut(s.offer.Ref, 100))
	}
	same := 0
	for _, o := range s.described.Offers {
		if o.Kind == s.offer.Kind && o.Ref == s.offer.Ref {
			same++
		}
	}
	if same > 1 {
		return failed("the file offers it %d times", same).mend("offer each ref once")
	}
	return passed()
}

func hasGoodAliases(_ context.Context, s *subject) verdict {
	for i, alias := range s.offer.Aliases {
		if !pluginv1.IsAlias(alias) {
			return failed("%q can't be an alias", cut(alias, 100))
		}
		if slices.Contains(s.offer.Aliases[:i], alias) {
			return failed("it has the alias %s twice", alias)
		}
		for j := range s.described.Offers {
			other := &s.described.Offers[j]
			if other.Kind != s.offer.Kind {
				continue
			}
			if other.Ref == alias || other != s.offer && slices.Contains(other.Aliases, alias) {
				return failed("its alias %s is also that of %s", alias, other.Ref)
			}
		}
	}
	return passed()
}

func hasTitle(_ context.Context, s *subject) verdict {
	title := s.offer.Title
	switch {
	case strings.TrimSpace(title) == "":
		return failed("it has none")
	case strings.ContainsAny(title, "\r\n"):
		return failed("its title has several lines")
	case len([]rune(title)) > longestTitle:
		return failed("its title has more than %d characters", longestTitle).mend("say the rest in the description")
	}
	return passed()
}

func hasPlausibleEffect(_ context.Context, s *subject) verdict {
	if s.offer.Kind == string(engine.KindPlanner) {
		return hasNoEffect(s.offer)
	}
	switch engine.Effect(strings.ToLower(s.offer.Effect)) {
	case "":
		return failed("it says no effect, so a daemon takes it for irreversible").mend(
			"say none, self_limiting, undoable or irreversible")
	case engine.EffectUndoable:
		if !s.offer.CanUndo {
			return failed("it says that its effect is undoable, but it has no undo").mend(
				"implement the undo, or say self_limiting or irreversible")
		}
	case engine.EffectNone:
		if s.offer.CanUndo {
			return failed("it says that it has no effect, but it has an undo").mend(
				"say undoable, or take the undo away")
		}
	case engine.EffectSelfLimiting, engine.EffectIrreversible:
	default:
		return failed("%q is no effect", cut(s.offer.Effect, 40)).mend("say none, self_limiting, undoable or irreversible")
	}
	return passed()
}

// hasNoEffect judges a planner, which does nothing that could be undone.
func hasNoEffect(o *pluginv1.Offer) verdict {
	if effect := engine.Effect(strings.ToLower(o.Effect)); effect != "" && effect != engine.EffectNone {
		return failed("it is a planner, but says that its effect is %q", cut(o.Effect, 40)).mend(
			"a planner has no effect; leave it out")
	}
	for _, can := range []struct {
		set  bool
		what string
	}{
		{o.CanUndo, "undo"},
		{o.CanDryRun, "make a dry run"},
		{o.CanListTargets, "list targets"},
		{o.CanCheck, "check a config"},
	} {
		if can.set {
			return failed("it is a planner, but says that it can %s", can.what).mend("only attacks can; leave it out")
		}
	}
	return passed()
}

func asksForVariables(_ context.Context, s *subject) verdict {
	for _, name := range s.offer.Env {
		switch {
		case name == "*":
			return failed("it asks for all variables there are")
		case !variableForm.MatchString(name):
			return failed("%q is not the name of an environment variable", cut(name, 60))
		case pluginv1.SetByHost(name):
			return failed("it asks for %s, which cmed sets itself", name)
		}
	}
	return passed()
}
