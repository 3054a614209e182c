package main

import (
	"slices"
	"strings"
)

// option is one thing that can be set, by the same name as a flag, as a key of
// the configuration file, and, in capitals after CMED_, in the environment.
type option struct {
	name      string
	shorthand string
	kind      string   // what stands for the value in the help text
	fallback  string   // the default; "" where the usage text explains it
	fallbacks []string // likewise, of one that repeats
	usage     string
	repeats   bool // may be given several times
	scan      bool // "cmed plugins" takes it too
	reap      bool // "cmed reap" takes it too
	// set reads one value into the config.
	set func(c *config, text string) error
}

// The options that other code names.
const (
	optPort     = "port"
	optAttacks  = "attacks-folder"
	optPlanners = "planners-folder"
	optZone     = "timezone"
	optScripts  = "scripts-folder"
	optGrants   = "plugin-env"
	optHaltFile = "halt-file"
	optSocket   = "socket"
	optCert     = "tls-cert"
	optCertKey  = "tls-key"
	optLogLevel = "log-level"
	optConfig   = "config"
)

// options lists all options, in the order of the help text.
var options = slices.Concat(serving, running, limiting, isolating, logging)

// variablePrefix begins the names of all variables of cmed.
const variablePrefix = "CMED_"

// standard is what holds when nothing is said.
func (o option) standard() []string {
	if o.fallback != "" {
		return []string{o.fallback}
	}
	return o.fallbacks
}

// variable is the option's name in the environment.
func (o option) variable() string {
	return variablePrefix + strings.ToUpper(strings.ReplaceAll(o.name, "-", "_"))
}

// optionNames lists the names of all options.
func optionNames() []string {
	names := make([]string, len(options))
	for i, o := range options {
		names[i] = o.name
	}
	return names
}
