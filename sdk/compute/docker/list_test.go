package docker

import (
	"maps"
	"slices"
	"testing"
	"time"

	"github.com/chaos-monkey-engine/cmed/internal/dockertest"
	"github.com/chaos-monkey-engine/cmed/sdk/compute"
)

func TestFilters(t *testing.T) {
	d, e := openReal(t)
	mine := dockertest.Unique()
	run := func(name string, labels map[string]string) string {
		labels["mine"] = mine
		return e.Run(t, name+"-"+mine, labels)
	}
	web := run("web", map[string]string{"app": "web", "tier": "front", composeProject: "shop-" + mine})
	worker := run("worker", map[string]string{"app": "worker", "odd.key:with=signs": "x*y"})
	frozen := run("frozen", map[string]string{"app": "web"})
	mustChange(t, d.Pause, frozen, compute.Running, compute.Paused)
	created := e.Create(t, dockertest.Container{Name: "created-" + mine, Labels: map[string]string{"mine": mine}})
	exited := e.Run(t, "exited-"+mine, map[string]string{"mine": mine}, "true")
	soon(t, e, exited, "exited")

	type filters = compute.Filters
	for _, c := range []struct {
		rule    string
		filters filters
		want    []string
	}{
		{"running ones unless said", filters{}, []string{web, worker}},
		{"by id", filters{"id": {web}}, []string{web}},
		{"by short id", filters{"id": {web[:12]}}, []string{web}},
		{"by the start of an id", filters{"id": {web[:20] + "*"}}, []string{web}},
		{"by name, without a slash", filters{"name": {"web-" + mine}}, []string{web}},
		{"a part of a name is not the name", filters{"name": {"web"}}, nil},
		{"wildcards", filters{"name": {"w?b-*", "*nothing*"}}, []string{web}},
		{"any of the values", filters{"label:app": {"web", "worker"}}, []string{web, worker}},
		{"all of the names", filters{"label:app": {"web"}, "label:tier": {"front"}, "name": {"worker*"}}, nil},
		{"tag is label", filters{"tag:app": {"w*r"}}, []string{worker}},
		{"a key with signs in it", filters{"label:odd.key:with=signs": {`x\*y`}}, []string{worker}},
		{"no such label", filters{"label:none": {"*"}}, nil},
		{"by the key of a label", filters{"label-key": {"tier"}}, []string{web}},
		{"tag-key is label-key", filters{"tag-key": {"tie?"}}, []string{web}},
		{"by image", filters{"image": {"cmed-dockertest:*"}}, []string{web, worker}},
		{"by the image's id", filters{"image": {"sha256:*"}}, []string{web, worker}},
		{"by network", filters{"network": {"none"}}, []string{web, worker}},
		{"by another network", filters{"network": {"bridge"}}, nil},
		{"by Compose's project", filters{"compose-project": {"shop-*"}}, []string{web}},
		{"Docker's word for a state", filters{"state": {"exited"}}, []string{exited}},
		{"compute's word for a state", filters{"state": {"stopped"}}, []string{created, exited}},
		{"EC2's name for the state", filters{"instance-state-name": {"paused", "created"}}, []string{frozen, created}},
		{"EC2's word for a state", filters{"instance-state-name": {"shutting-down"}}, nil},
		{"any state", filters{"state": {"*"}}, []string{web, worker, frozen, created, exited}},
	} {
		t.Run(c.rule, func(t *testing.T) {
			withMine := maps.Clone(c.filters)
			withMine["label:mine"] = compute.Values{mine}
			nodes, err := d.List(t.Context(), withMine)
			if err != nil {
				t.Fatal(err)
			}
			if slices.Sort(c.want); !slices.Equal(compute.IDs(nodes), c.want) {
				t.Errorf("listed %q, want %q", compute.IDs(nodes), c.want)
			}
		})
	}

	t.Run("Matching is for any state", func(t *testing.T) {
		nodes, err := d.Matching(t.Context(), filters{"label:mine": {mine}, "label:app": {"web"}})
		want := slices.Sorted(slices.Values([]string{web, frozen}))
		if err != nil || !slices.Equal(compute.IDs(nodes), want) {
			t.Errorf("%q, %v, want %q", compute.IDs(nodes), err, want)
		}
	})
}

func TestFiltersThatCannotBeMeant(t *testing.T) {
	d := openAt(t, "unix:///nowhere.sock") // refused before anything is asked
	for _, c := range []struct {
		filters compute.Filters
		text    string
	}{
		{compute.Filters{"availability-zone": {"a"}}, `ContainerList: there is no filter "availability-zone" for containers; known are id, name, image,`},
		{compute.Filters{"label:": {"a"}}, `there is no filter "label:"`},
		{compute.Filters{"": {"a"}}, `there is no filter ""`},
		{compute.Filters{"Name": {"a"}}, `there is no filter "Name"`},
		{compute.Filters{"state": {"exitd"}}, `there is no state "exitd"; known are created, dead, exited, paused,`},
		{compute.Filters{"instance-state-name": {"running", "Running"}}, `there is no state "Running"`},
	} {
		_, err := d.List(t.Context(), c.filters)
		mustFail(t, err, compute.ErrBadFilter, c.text)
		_, err = d.Matching(t.Context(), c.filters)
		mustFail(t, err, compute.ErrBadFilter, c.text)
	}
}

func TestFindSaysWhatAListLacks(t *testing.T) {
	d, e := openReal(t)
	began := time.Now().Add(-2 * time.Second) // the engine's clock is this machine's
	name := "find-" + dockertest.Unique()
	always := e.RunContainer(t, dockertest.Container{Name: name, Labels: map[string]string{"a": "b"}, Restart: "always"})
	removed := e.RunContainer(t, dockertest.Container{AutoRemove: true})
	created := e.Create(t, dockertest.Container{})
	gone := e.Run(t, "", nil)
	e.Remove(t, gone)

	nodes, err := d.Find(t.Context(), always, removed, created, gone, "nothing", always[:12], name, "../images/"+always)
	if err != nil {
		t.Fatal(err)
	}
	if want := slices.Sorted(slices.Values([]string{always, removed, created})); !slices.Equal(compute.IDs(nodes), want) {
		t.Fatalf("found %q, want %q", compute.IDs(nodes), want)
	}
	for _, n := range nodes {
		switch n.ID {
		case always:
			if n.Name != name || n.State != compute.Running || n.Tags["a"] != "b" || n.Extra["restart_policy"] != "always" || n.Extra["auto_remove"] != "" {
				t.Errorf("%+v", n)
			}
			if n.Started.Before(began) || n.Started.After(time.Now().Add(2*time.Second)) {
				t.Errorf("started at %s", n.Started)
			}
		case removed:
			if n.Extra["auto_remove"] != "true" || n.Extra["restart_policy"] != "" || n.Extra["image"] == "" {
				t.Errorf("%+v", n)
			}
		case created:
			if n.State != compute.Stopped || !n.Started.IsZero() {
				t.Errorf("%+v", n)
			}
		}
	}
}

func TestTheContainerOfThisProcessIsNotListed(t *testing.T) {
	d, e := openReal(t)
	mine := compute.Filters{"label:mine": {dockertest.Unique()}}
	labels := map[string]string{"mine": mine["label:mine"][0]}
	other, own := e.Run(t, "", labels), e.Run(t, "", labels)
	for _, s := range []self{{hostname: own[:12]}, {ids: map[string]bool{own: true}}} {
		d.own = s
		for _, list := range []func() ([]compute.Node, error){
			func() ([]compute.Node, error) { return d.List(t.Context(), mine) },
			func() ([]compute.Node, error) { return d.Matching(t.Context(), mine) },
		} {
			if nodes, err := list(); err != nil || !slices.Equal(compute.IDs(nodes), []string{other}) {
				t.Errorf("%q, %v", compute.IDs(nodes), err)
			}
		}
	}
}
