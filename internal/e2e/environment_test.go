package e2e

import (
	"encoding/json"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"
)

// observed is what a run of e2e:Observe found.
type observed struct {
	Environ       []string
	Home, Scripts string
	log           string
}

func (d *daemon) observe(t *testing.T) observed {
	t.Helper()
	id := d.attack(t, "e2e:Observe", args{}, time.Now())
	e := d.await(t, id, "succeeded")
	o := observed{log: d.log(t, id)}
	if err := json.Unmarshal(e.Run.Result, &o); err != nil {
		t.Fatal(err)
	}
	return o
}

// value is that of a variable; "" too when there is none. One that is there
// twice fails the test.
func (o observed) value(t *testing.T, name string) string {
	t.Helper()
	var found []string
	for _, entry := range o.Environ {
		if value, ok := strings.CutPrefix(entry, name+"="); ok {
			found = append(found, value)
		}
	}
	if len(found) > 1 {
		t.Errorf("%s is there %d times", name, len(found))
	}
	return strings.Join(found, " ")
}

// What a plugin asks for and is granted reaches it, and nothing else does.
func TestOnlyWhatIsAskedForAndGrantedReachesAPlugin(t *testing.T) {
	t.Parallel()
	env := withEnv("E2E_ONE=1", "E2E_TWO=2", "AWS_REGION=r")
	for name, c := range map[string]struct {
		grants   []string
		one, two string
		home     bool // the daemon's own
		withheld string
	}{
		"the default":           {nil, "", "", false, "--plugin-env default --plugin-env 'e2e:Observe=E2E_*'"},
		"nothing":               {[]string{"none"}, "", "", false, "--plugin-env 'e2e:Observe=E2E_*'"},
		"some of it":            {[]string{"e2e:*=E2E_ONE,AWS_*,HOME"}, "1", "", true, ""},
		"everything":            {[]string{"*=*"}, "1", "2", true, ""},
		"to others":             {[]string{"api_request:*=*"}, "", "", false, "--plugin-env 'e2e:Observe=E2E_*'"},
		"besides the default":   {[]string{"default", "*:Observe=E2E_TWO"}, "", "2", false, ""},
		"HOME alone is no lack": {[]string{"e2e:Observe=E2E_*"}, "1", "2", false, ""},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var flags []string
			for _, g := range c.grants {
				flags = append(flags, "--plugin-env", g)
			}
			d := start(t, env, withArgs(flags...))
			o := d.observe(t)
			if one, two := o.value(t, "E2E_ONE"), o.value(t, "E2E_TWO"); one != c.one || two != c.two || o.value(t, "AWS_REGION") != "" {
				t.Errorf("it has %q", o.Environ)
			}
			private := strings.HasPrefix(o.Home, d.state)
			if (o.Home == d.dir) != c.home || private == c.home || o.value(t, "HOME") != o.Home {
				t.Errorf("home is %s", o.Home)
			}
			if !strings.HasPrefix(o.value(t, "TMPDIR"), d.state) || o.value(t, "TZ") != "UTC" {
				t.Errorf("it has %q", o.Environ)
			}
			warnings := d.post(t, "/api/1/plans/", planBody("e2e:Observe", args{}, tomorrow()), 200).warnings()
			if c.withheld == "" {
				if len(warnings) != 0 || strings.Contains(o.log, "asks for") {
					t.Errorf("warnings %q, log %s", warnings, o.log)
				}
				return
			}
			want := "e2e:Observe asks for E2E_*, which this daemon has in its environment and does not let it see; " +
				"to change that, start cmed with " + c.withheld
			if !slices.Equal(warnings, []string{want}) {
				t.Errorf("warnings %q, want %q", warnings, want)
			}
			says(t, "the run's log", o.log, want)
		})
	}
}

// The attacks that come with cmed are granted what they ask for.
func TestTheDefaultGrantsAreWhatTheAttacksAskFor(t *testing.T) {
	t.Parallel()
	d := start(t)
	for _, plugin := range d.get(t, "/api/1/plugins/").list("plugins") {
		if refused := plugin["env_refused"]; refused != nil && plugin.text("path") != "testplugin" {
			t.Errorf("%s asks in vain for %v", plugin.text("path"), refused)
		}
	}
	o := d.cmed(t, 0, "plugins", "-a", d.attacks, "-P", d.planners)
	says(t, "cmed plugins", o.out, "testplugin asks for E2E_*, HOME, which it is not granted; to grant it: "+
		"--plugin-env default --plugin-env 'e2e:Observe=E2E_*,HOME'")
	again := d.cmed(t, 0, "plugins", "-a", d.attacks, "-P", d.planners, "--plugin-env", "default", "--plugin-env", "e2e:Observe=E2E_*,HOME")
	if strings.Contains(again.out, "asks for") {
		t.Errorf("the flags it names do not help: %s", again.out)
	}
}

func TestTheScriptsFolderReachesPlugins(t *testing.T) {
	t.Parallel()
	d := start(t)
	if got, want := d.observe(t).Scripts, filepath.Join(d.dir, "scripts"); got != want {
		t.Errorf("by default it is %q, want %q", got, want)
	}
	d.stop(t)
	if err := os.Mkdir(filepath.Join(d.dir, "ours"), 0o700); err != nil {
		t.Fatal(err)
	}
	d.restart(t, withArgs("--scripts-folder", "ours")) // the daemon's folder is d.dir
	if got, want := d.observe(t).Scripts, filepath.Join(d.dir, "ours"); got != want {
		t.Errorf("it is %q, want %q", got, want)
	}
}

// What root would have executed elsewhere nobody else may write.
func TestAnOpenScriptsFolderIsKeptFromPluginsOfRoot(t *testing.T) {
	t.Parallel()
	if os.Geteuid() != 0 {
		t.Skip("needs root: run the tests with sudo")
	}
	h := newHome(t)
	folder := filepath.Join(h.dir, "scripts")
	if err := os.Mkdir(folder, 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.Chmod(folder, 0o777); err != nil {
		t.Fatal(err)
	}
	d := start(t, inHome(h))
	o := d.observe(t)
	if o.Scripts != "" {
		t.Errorf("it is told of %s", o.Scripts)
	}
	const open = "others can write to"
	says(t, "the run's log", o.log, open, "chmod go-w '"+folder+"'")
	says(t, "the daemon's log", d.stderr.String(), open)
	if err := os.Chmod(folder, 0o700); err != nil {
		t.Fatal(err)
	}
	d.post(t, "/api/1/plugins/rescan", nil, 200)
	if o := d.observe(t); o.Scripts != folder || strings.Contains(o.log, open) {
		t.Errorf("it is told of %q; %s", o.Scripts, o.log)
	}
}
