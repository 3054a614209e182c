package targeting

import (
	"context"
	"maps"
	"regexp"
	"slices"
	"strings"
	"time"

	"github.com/chaos-monkey-engine/cmed/sdk"
	"github.com/chaos-monkey-engine/cmed/sdk/compute"
)

// Args say whom an attack hits.
type Args struct {
	Provider string          `json:"provider,omitempty" jsonschema:"minLength=1,maxLength=64" jsonschema_description:"Whose nodes are hit: ec2 or docker." ui:"group=Targets"`
	Region   string          `json:"region,omitempty" jsonschema:"maxLength=64,pattern=^[a-z][a-z0-9]*(-[a-z0-9]+)*$" jsonschema_description:"The provider's region, such as eu-west-1. Without it, that of the environment: AWS_REGION, AWS_DEFAULT_REGION or the profile. Docker has no regions." ui:"group=Targets"`
	Filters  compute.Filters `json:"filters,omitempty" jsonschema_description:"Which nodes are candidates: those that match every filter by at least one of its values, where * stands for any text and ? for one character. EC2 knows the filters of DescribeInstances: {\"tag:Chaos\": \"true\", \"availability-zone\": [\"eu-west-1a\", \"eu-west-1b\"], \"instance-type\": \"t3.*\", \"vpc-id\": \"vpc-0123\"}. Docker knows id, name, image, state, label:KEY, label-key, network and compose-project. Only running nodes are candidates unless a filter is about the state (instance-state-name, state). Empty filters, {}, mean every running node." ui:"group=Targets"`
	Excluded compute.Filters `json:"excluded,omitempty" jsonschema_description:"Filters for nodes that must not be hit: a node that matches any one of them, in whatever state, is no candidate. Written like filters: {\"tag:Domain\": \"payments\", \"availability-zone\": \"eu-west-1a\"}." ui:"group=Targets"`
	Count    int             `json:"count,omitempty" jsonschema:"minimum=1,maximum=10000" jsonschema_description:"How many candidates are hit, chosen by chance; never all of them without allow_all. Without count and percent it is one, even if it is the only candidate." ui:"group=How many"`
	Percent  float64         `json:"percent,omitempty" jsonschema:"exclusiveMinimum=0,maximum=100" jsonschema_description:"How many of a hundred candidates are hit, instead of count: rounded down, but at_least is hit; never all of them without allow_all." ui:"group=How many,unit=%"`
	AtLeast  *int            `json:"at_least,omitempty" jsonschema:"minimum=0,maximum=10000,default=1" jsonschema_description:"What percent is never rounded below. Only 0 lets rounding hit nobody, which is an empty choice." ui:"group=How many"`
	AllowAll bool            `json:"allow_all,omitempty" jsonschema:"default=false" jsonschema_description:"Let count and percent take every candidate. Otherwise such a run fails and nobody is hit." ui:"group=How many"`
	// AllowEmpty makes a run that finds nobody a success.
	AllowEmpty bool `json:"allow_empty,omitempty" jsonschema:"default=false" jsonschema_description:"Make a run that finds nobody to hit a success. Otherwise it is a failure that says why." ui:"group=How many"`
	DryRun     bool `json:"dry_run,omitempty" jsonschema:"default=false" jsonschema_description:"Choose and record whom the attack would hit, and ask the provider whether it would be allowed, but hit nobody. The same as dry_run of the plan." ui:"group=Run"`
}

func (args Args) rule() compute.Rule {
	return compute.Rule{Count: args.Count, Percent: args.Percent, AtLeast: args.AtLeast, AllowAll: args.AllowAll}
}

// regions is what a region can look like. It becomes part of a host's name.
var regions = regexp.MustCompile(`^[a-z][a-z0-9]*(-[a-z0-9]+)*$`)

// Check says what a schema can't of the args: what contradicts itself is an
// error made with sdk.Invalid. It doesn't talk to the provider.
func (t Targeting) Check(args Args) error {
	if _, known := t.Providers[t.provider(args)]; !known {
		return sdk.Invalid("/provider", "unknown provider %q; known are %s", t.provider(args), strings.Join(t.Providers.Names(), ", "))
	}
	if args.Region != "" && slices.Contains(t.Regionless, t.provider(args)) {
		return sdk.Invalid("/region", "the provider %s has no regions; leave region out", t.provider(args))
	}
	if args.Region != "" && !regions.MatchString(args.Region) {
		return sdk.Invalid("/region", "%q is not a region such as eu-west-1", args.Region)
	}
	switch {
	case args.Count < 0:
		return sdk.Invalid("/count", "the count is %d, and must be 1 or more", args.Count)
	case args.Percent < 0 || args.Percent > 100:
		return sdk.Invalid("/percent", "percent is %v, and must be more than 0 and at most 100", args.Percent)
	case args.Count > 0 && args.Percent > 0:
		return sdk.Invalid("/percent", "count and percent are both given; leave one of them out")
	case args.AtLeast != nil && *args.AtLeast < 0:
		return sdk.Invalid("/at_least", "at_least is %d, and must be 0 or more", *args.AtLeast)
	case args.AtLeast != nil && args.Percent == 0:
		return sdk.Invalid("/at_least", "at_least bounds percent, which is not given")
	}
	return nil
}

// openBound is how long Warnings waits for a driver: whoever makes a plan waits too.
const openBound = 5 * time.Second

// Warnings says why a run with these args would fail as things are now, for
// whoever makes a plan: the environment lacks what the provider needs, or its
// credentials can't be had. All of that may have passed by the time of the run. It
// takes five seconds at most. An error is about the args, made with sdk.Invalid:
// filters that the provider doesn't know.
func (t Targeting) Warnings(ctx context.Context, args Args) ([]string, error) {
	ctx, cancel := context.WithTimeout(ctx, openBound)
	defer cancel()
	driver, err := t.Open(ctx, args)
	if err != nil {
		return []string{"as things are now, every run will fail: " + err.Error()}, nil
	}
	checker, ok := driver.(compute.FilterChecker)
	if !ok {
		return nil, nil
	}
	if err := checker.CheckFilters(args.Filters); err != nil {
		return nil, sdk.Invalid("/filters", "%w", err)
	}
	for _, name := range slices.Sorted(maps.Keys(args.Excluded)) { // each is asked for alone
		if err := checker.CheckFilters(compute.Filters{name: args.Excluded[name]}); err != nil {
			return nil, sdk.Invalid("/excluded", "the excluded: %w", err)
		}
	}
	return nil, nil
}
