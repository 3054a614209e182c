package main

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/chaos-monkey-engine/cmed/internal/nearest"
)

// settings holds, by option, the texts that were given for it and where. What a
// flag says wins over the environment, that over the configuration file, and
// that over the default. A repeatable option is taken whole from the first of
// them that has it.
type settings map[string]given

// given is what one place says about an option.
type given struct {
	texts []string
	// from names the place and the option, for errors.
	from string
}

// merge returns the settings of all places, those of earlier ones first.
func merge(places ...settings) settings {
	all := settings{}
	for _, place := range slices.Backward(places) {
		maps.Copy(all, place)
	}
	return all
}

// defaults are the settings that hold when nothing else is said.
func defaults() settings {
	s := settings{}
	for _, o := range options {
		if standard := o.standard(); standard != nil {
			s[o.name] = given{standard, "default of --" + o.name}
		}
	}
	return s
}

// fromEnvironment reads the options' variables. One that is empty counts as not
// set. Values of a repeatable option are separated by white space.
func fromEnvironment(env []string) settings {
	variables := map[string]string{}
	for _, entry := range env {
		if name, value, ok := strings.Cut(entry, "="); ok && value != "" {
			variables[name] = value
		}
	}
	s := settings{}
	for _, o := range append(slices.Clone(options), option{name: optConfig}) {
		value, ok := variables[o.variable()]
		switch {
		case !ok:
		case o.repeats:
			s[o.name] = given{strings.Fields(value), o.variable()}
		default:
			s[o.name] = given{[]string{value}, o.variable()}
		}
	}
	return s
}

// config reads the texts. The error says where the wrong one stands.
func (s settings) config() (*config, error) {
	c := &config{}
	for _, o := range options {
		g := s[o.name]
		texts := g.texts
		if !o.repeats && len(texts) > 1 {
			texts = texts[len(texts)-1:] // given twice in one place: the last counts
		}
		for _, text := range texts {
			if err := o.set(c, text); err != nil {
				return nil, usagef("%s: %w", g.from, err)
			}
		}
	}
	c.zoneChosen, c.grantsChosen = s.chosen(optZone), s.chosen(optGrants)
	return c, c.complete()
}

// chosen says whether somebody set an option that has a default.
func (s settings) chosen(name string) bool { return s[name].from != defaults()[name].from }

// load puts together what the flags, the environment and the configuration file
// say; fallbacks win over the general defaults.
func load(flags settings, env []string, fallbacks settings) (*config, error) {
	variables := fromEnvironment(env)
	places := []settings{flags, variables}
	if file, ok := merge(flags, variables)[optConfig]; ok {
		path := file.texts[len(file.texts)-1]
		fromFile, err := readConfigFile(path)
		if err != nil {
			return nil, usagef("%s: %w", file.from, err)
		}
		places = append(places, fromFile)
	}
	return merge(append(places, fallbacks, defaults())...).config()
}

// unknownOption says that there is no such option, and which there is.
func unknownOption(name string, known []string) error {
	err := fmt.Errorf("unknown key %q", name)
	if near := nearest.Name(name, known); near != "" {
		return fmt.Errorf("%w; did you mean %q?", err, near)
	}
	return err
}
