package docker

import (
	"strings"
	"testing"

	"github.com/moby/moby/api/types/container"

	"github.com/chaos-monkey-engine/cmed/sdk/compute"
)

// Among the excluded such a value would spare nobody.
func TestAValueThatNoContainerCanHaveIsRefused(t *testing.T) {
	c := container.Summary{ID: strings.Repeat("0123456789abcdef", 4), Names: []string{"/shop-db-1"}}
	for name, value := range map[string]string{"id": c.ID[:20], "name": "/shop-db-1"} {
		f := compute.Filters{name: {value}}
		err := checkFilters(f)
		matches, _ := f.Match(func(n string) ([]string, bool) { return valuesOf(c, n) })
		if err == nil && !matches {
			t.Errorf("%s=%s is neither refused nor matches", name, value)
		}
	}
}

func TestFiltersAreCheckedWithoutAnEngine(t *testing.T) {
	d := openAt(t, "unix:///nowhere/docker.sock")
	mustFail(t, d.CheckFilters(compute.Filters{"color": {"red"}}), compute.ErrBadFilter, `there is no filter "color"`, "label:KEY (or tag:KEY)")
	if err := d.CheckFilters(compute.Filters{"tag:a": {"b"}, "instance-state-name": {"running"}}); err != nil {
		t.Error(err)
	}
}
