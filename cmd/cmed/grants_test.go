package main

import (
	"slices"
	"strings"
	"testing"
)

// grantsOf is what a configuration grants, a line for each grant.
func grantsOf(c *config) []string {
	var lines []string
	for _, g := range c.grants {
		lines = append(lines, g.Ref+"="+strings.Join(g.Vars, ","))
	}
	return lines
}

func TestWhatIsGranted(t *testing.T) {
	file := write(t, `plugin-env: ["file:*=A,B"]`)
	empty := write(t, "plugin-env: []\n")
	nothing := write(t, "plugin-env: none\n")
	for _, test := range []struct {
		name   string
		env    []string
		args   []string
		want   []string
		chosen bool
	}{
		{"the default, when nothing is said", nil, nil, defaultGrants, false},
		{"a flag replaces it whole", nil, []string{"--plugin-env", "a:*=X"}, []string{"a:*=X"}, true},
		{"so does the environment", []string{"CMED_PLUGIN_ENV=a:*=X b:*=Y,Z"}, nil, []string{"a:*=X", "b:*=Y,Z"}, true},
		{"so does the file", nil, []string{"--config", file}, []string{"file:*=A,B"}, true},
		{"a variable that is empty is not set", []string{"CMED_PLUGIN_ENV="}, nil, defaultGrants, false},
		{"none is nothing", nil, []string{"--plugin-env", "none"}, nil, true},
		{"none in the environment is nothing", []string{"CMED_PLUGIN_ENV=none"}, nil, nil, true},
		{"none in the file is nothing", nil, []string{"--config", nothing}, nil, true},
		{"an empty list in the file is nothing", nil, []string{"--config", empty}, nil, true},
		{"the environment's none wins over the file", []string{"CMED_PLUGIN_ENV=none"}, []string{"--config", file}, nil, true},
		{
			"default can be added to", nil,
			[]string{"--plugin-env", "default", "--plugin-env", "a:*=X"},
			append(slices.Clone(defaultGrants), "a:*=X"), true,
		},
	} {
		t.Run(test.name, func(t *testing.T) {
			c, err := configOf(test.env, test.args...)
			if err != nil {
				t.Fatal(err)
			}
			if got := grantsOf(c); !slices.Equal(got, test.want) || c.grantsChosen != test.chosen {
				t.Errorf("granted (chosen: %v) %q, want %q", c.grantsChosen, got, test.want)
			}
		})
	}
}

// A default grant is for one of our own attacks, by its whole name: what somebody
// else drops in is granted nothing.
func TestTheDefaultGrantsAreForWholeRefs(t *testing.T) {
	for _, text := range defaultGrants {
		ref, vars, ok := strings.Cut(text, "=")
		if !ok || strings.ContainsAny(ref, "*?[") || strings.Contains(","+vars+",", ",*,") {
			t.Errorf("%s", text)
		}
	}
}
