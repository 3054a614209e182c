package main

import (
	"slices"
	"testing"
)

// FuzzOptionValues gives every option any text: it is refused in words, or leaves
// a config behind that can work.
func FuzzOptionValues(f *testing.F) {
	for i := range options {
		for _, seed := range []string{"", "0", "-1", "1GiB", "9223372036854775807GiB", "Mon-Fri@09:00-17:00", "allow", "a=b", "true", "10m", "/", "2026-01-01..2026-01-03"} {
			f.Add(i, seed)
		}
	}
	f.Fuzz(func(t *testing.T, i int, text string) {
		o := options[(i%len(options)+len(options))%len(options)]
		if o.name == optConfig {
			t.Skip("it reads a file")
		}
		c := &config{}
		err := o.set(c, text)
		if err != nil && err.Error() == "" {
			t.Errorf("--%s %q is refused without a word", o.name, text)
		}
		if err == nil && (c.runMemory < 0 || c.runPids < 0 || c.misfireGrace < 0 || c.maxRuns < 0) {
			t.Errorf("--%s %q is taken for less than nothing: %+v", o.name, text, c)
		}
	})
}

// FuzzConfigFile reads any YAML as the configuration file.
func FuzzConfigFile(f *testing.F) {
	for _, seed := range []string{"port: 5001\n", "quiet-hours: [Mon@09:00-10:00]\n", "port: [1, 2]\n", "- a\n", "a: &x [*x]\n", "\x00"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, text string) {
		s, err := parseConfig("cmed.yaml", []byte(text))
		if err != nil {
			return
		}
		for name := range s {
			if !slices.Contains(optionNames(), name) {
				t.Errorf("%q is taken for an option", name)
			}
		}
	})
}
