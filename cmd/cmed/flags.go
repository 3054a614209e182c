package main

import (
	"errors"
	"strconv"
	"strings"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/chaos-monkey-engine/cmed/internal/nearest"
)

// addFlags gives cmd a flag for each option that want accepts, and --config.
// What they are given ends up in s.
func addFlags(cmd *cobra.Command, s settings, want func(option) bool) {
	flags := cmd.Flags()
	flags.SortFlags = false
	for _, o := range options {
		if !want(o) {
			continue
		}
		f := flags.VarPF(&flagValue{s, o}, o.name, o.shorthand, o.usage+" ["+o.variable()+"]")
		if o.kind == "bool" {
			f.NoOptDefVal = "true"
		}
	}
	file := option{
		name: optConfig, kind: "file",
		usage: "YAML file with the names of these flags as keys",
	}
	flags.Var(&flagValue{s, file}, file.name, file.usage+" ["+file.variable()+"]")
	cmd.SetFlagErrorFunc(explainFlagError)
}

// flagValue collects what a flag is given; it is read later, with all the rest.
type flagValue struct {
	into settings
	option
}

func (v *flagValue) Set(text string) error {
	g := v.into[v.name]
	v.into[v.name] = given{append(g.texts, text), "--" + v.name}
	return nil
}

// String is the default, for the help text. A list is too long for it.
func (v *flagValue) String() string {
	if len(v.fallbacks) > 0 {
		return "a list, see docs/configuration.md"
	}
	return v.fallback
}

// Type is what stands for the value in the help text.
func (v *flagValue) Type() string { return v.kind }

// dualFlag is -p. The Chaos Monkey Engine declared it twice, as the port and as
// the planners folder, and its container was started with the latter: here a
// number is the port, and anything else the folder.
type dualFlag struct{ port, planners flagValue }

// addDualFlag gives cmd the flag -p. pflag wants a long name too; it is hidden.
func addDualFlag(cmd *cobra.Command, s settings) {
	dual := &dualFlag{
		port:     flagValue{s, option{name: optPort}},
		planners: flagValue{s, option{name: optPlanners}},
	}
	cmd.Flags().VarPF(dual, "p", "p", "").Hidden = true
}

// addPlannersShorthand gives cmd, which has no port, the flag -p for a path.
func addPlannersShorthand(cmd *cobra.Command, s settings) {
	cmd.Flags().VarPF(&flagValue{s, option{name: optPlanners, kind: "path"}}, "p", "p", "").Hidden = true
}

func (d *dualFlag) Set(text string) error {
	if _, err := strconv.ParseInt(text, 10, 64); err == nil || errors.Is(err, strconv.ErrRange) {
		return d.port.Set(text)
	}
	return d.planners.Set(text)
}

func (d *dualFlag) String() string { return "" }

func (d *dualFlag) Type() string { return "number or path" }

// flagUsages is the help text of cmd's flags. -p stands with the port, where it
// belongs, though it is a flag of its own.
func flagUsages(cmd *cobra.Command) string {
	return strings.Replace(cmd.LocalFlags().FlagUsages(), "      --port ", "  -p, --port ", 1)
}

// explainFlagError makes an error of the command line a usage error, and adds
// the flag that was probably meant.
func explainFlagError(cmd *cobra.Command, err error) error {
	var unknown *pflag.NotExistError
	if errors.As(err, &unknown) && unknown.GetSpecifiedShortnames() == "" {
		var known []string
		cmd.Flags().VisitAll(func(f *pflag.Flag) {
			if !f.Hidden {
				known = append(known, f.Name)
			}
		})
		if near := nearest.Name(unknown.GetSpecifiedName(), known); near != "" {
			return usagef("%w; did you mean --%s?", err, near)
		}
	}
	if strings.Contains(err.Error(), "missing unit in duration") {
		return usagef(`%w; say the unit, as in "90s", "15m" or "2h"`, err)
	}
	return usagef("%w", err)
}
