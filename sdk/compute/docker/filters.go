package docker

import (
	"maps"
	"slices"
	"strings"

	"github.com/moby/moby/api/types/container"

	"github.com/chaos-monkey-engine/cmed/sdk/compute"
)

// composeProject is the label by which Docker Compose knows its own.
const composeProject = "com.docker.compose.project"

// knownFilters names the filters for people.
const knownFilters = "id, name, image, state (or instance-state-name), label:KEY (or tag:KEY), " +
	"label-key (or tag-key), network and compose-project"

// isState reports whether a filter is about the state. The second name is EC2's,
// so that plans for several providers can be written alike.
func isState(name string) bool { return name == "state" || name == "instance-state-name" }

// valuesOf returns what a container has under the name of a filter, and whether
// there is such a filter.
func valuesOf(c container.Summary, name string) (values []string, known bool) {
	if isState(name) {
		return stateWords(c.State), true
	}
	switch name {
	case "id":
		return []string{c.ID, c.ID[:min(shortID, len(c.ID))]}, true
	case "name":
		return []string{nameOf(c.Names)}, true
	case "image":
		return []string{c.Image, c.ImageID}, true
	case "label-key", "tag-key":
		return slices.Collect(maps.Keys(c.Labels)), true
	case "network":
		return networksOf(c), true
	case "compose-project":
		return label(c, composeProject), true
	}
	for _, prefix := range []string{"label:", "tag:"} {
		if key, ok := strings.CutPrefix(name, prefix); ok && key != "" {
			return label(c, key), true
		}
	}
	return nil, false
}

func label(c container.Summary, key string) []string {
	if value, ok := c.Labels[key]; ok {
		return []string{value}
	}
	return nil
}

func networksOf(c container.Summary) []string {
	if c.NetworkSettings == nil {
		return nil
	}
	return slices.Collect(maps.Keys(c.NetworkSettings.Networks))
}

// CheckFilters refuses what no container can match.
func (*driver) CheckFilters(filters compute.Filters) error { return checkFilters(filters) }

// checkFilters refuses names that aren't known and states that can't be: what is
// misspelt among the excluded would exclude nobody.
func checkFilters(filters compute.Filters) error {
	for _, name := range slices.Sorted(maps.Keys(filters)) {
		if _, known := valuesOf(container.Summary{}, name); !known {
			return badFilter("there is no filter "+quoted(name)+" for containers", "known are "+knownFilters)
		}
		for _, value := range filters[name] {
			if err := checkValue(name, value); err != nil {
				return err
			}
			if isState(name) && !slices.ContainsFunc(allStateWords(), compute.Values{value}.Match) {
				return badFilter("there is no state "+quoted(value), "known are "+strings.Join(allStateWords(), ", "))
			}
		}
	}
	return nil
}

// checkValue refuses what no container can have, though Docker's own commands take
// it for one.
func checkValue(name, value string) error {
	switch {
	case name == "id" && !strings.ContainsAny(value, `*?\`) && len(value) != shortID && len(value) != 64:
		return badFilter(quoted(value)+" is not the id of a container", "write its first 12 digits, or all 64, or a * at the end")
	case name == "name" && strings.HasPrefix(value, "/"):
		return badFilter("no name of a container begins with a slash, as "+quoted(value)+" does", "leave the slash out")
	}
	return nil
}

func badFilter(message, remedy string) error {
	return &compute.Error{Kind: compute.ErrBadFilter, Operation: "ContainerList", Message: message, Remedy: remedy}
}
