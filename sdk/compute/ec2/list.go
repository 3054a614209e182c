package ec2

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ec2"
	"github.com/aws/aws-sdk-go-v2/service/ec2/types"

	"github.com/chaos-monkey-engine/cmed/sdk/compute"
)

const (
	describe = "DescribeInstances"
	// maxPages is how many are read: those of 200,000 instances.
	maxPages = 200
	// maxValues is EC2's limit for the values of all filters of a call.
	maxValues     = 200
	remedyTooMany = "give fewer values, or use * and ? in them"
)

// List returns the instances that match all filters, ordered by id: the running
// ones, unless instance-state-name or instance-state-code is among the filters.
// All of EC2's filters may be used, with its wildcards.
func (d *driver) List(ctx context.Context, filters compute.Filters) ([]compute.Node, error) {
	if !saysState(filters) {
		with := maps.Clone(filters)
		if with == nil {
			with = compute.Filters{}
		}
		with["instance-state-name"] = compute.Values{string(types.InstanceStateNameRunning)}
		filters = with
	}
	return d.Matching(ctx, filters)
}

// saysState tells whether filters choose by state.
func saysState(filters compute.Filters) bool {
	_, byName := filters["instance-state-name"]
	_, byCode := filters["instance-state-code"]
	return byName || byCode
}

// Matching returns the instances that match all filters, in any state, those
// included that were terminated in about the last hour.
func (d *driver) Matching(ctx context.Context, filters compute.Filters) ([]compute.Node, error) {
	asked, err := asFilters(filters)
	if err != nil {
		return nil, err
	}
	instances, err := d.describe(ctx, asked)
	if err != nil {
		return nil, err
	}
	return nodes(instances), nil
}

// Find returns those of the instances that exist, ordered by id. EC2 remembers a
// terminated one for about an hour.
func (d *driver) Find(ctx context.Context, ids ...string) ([]compute.Node, error) {
	var found []types.Instance
	for batch := range slices.Chunk(distinct(ids), maxValues) {
		instances, err := d.describe(ctx, byID(batch))
		if err != nil {
			return nil, err
		}
		found = append(found, instances...)
	}
	return nodes(found), nil
}

// byID asks for instances in a way that doesn't fail when one isn't there, as
// naming them outright would.
func byID(ids []string) []types.Filter {
	literal := strings.NewReplacer(`\`, `\\`, `*`, `\*`, `?`, `\?`)
	values := make([]string, len(ids))
	for i, id := range ids {
		values[i] = literal.Replace(id)
	}
	return []types.Filter{{Name: aws.String("instance-id"), Values: values}}
}

// CheckFilters refuses what EC2 can't be asked. Which names EC2 knows only it can
// say.
func (*driver) CheckFilters(filters compute.Filters) error {
	_, err := asFilters(filters)
	return err
}

// asFilters puts filters in EC2's form, ordered by name. What EC2 can't be asked
// is compute.ErrBadFilter.
func asFilters(filters compute.Filters) ([]types.Filter, error) {
	var asked []types.Filter
	total := 0
	for _, name := range slices.Sorted(maps.Keys(filters)) {
		values := filters[name]
		if key, found := strings.CutPrefix(name, "tags:"); found {
			return nil, badFilter(fmt.Sprintf("there is no filter %q", name), fmt.Sprintf("write it as %q", "tag:"+key))
		}
		if name == "" || len(values) == 0 {
			return nil, badFilter(fmt.Sprintf("the filter %q needs a name and at least one value", name), remedyFilter)
		}
		total += len(values)
		asked = append(asked, types.Filter{Name: aws.String(name), Values: values})
	}
	if total > maxValues {
		return nil, badFilter(fmt.Sprintf("%d values in the filters, and EC2 takes %d", total, maxValues), remedyTooMany)
	}
	return asked, nil
}

func badFilter(message, remedy string) error {
	return &compute.Error{Kind: compute.ErrBadFilter, Operation: describe, Message: message, Remedy: remedy}
}

// describe reads all pages of the instances that match. A list that may lack
// some is never returned: whoever is to be spared could be among them.
func (d *driver) describe(ctx context.Context, filters []types.Filter) ([]types.Instance, error) {
	var instances []types.Instance
	in := &ec2.DescribeInstancesInput{Filters: filters, MaxResults: aws.Int32(d.bounds.page)}
	for range maxPages {
		page, err := call(ctx, d, describe, d.api.describe, in)
		if err != nil {
			return nil, err
		}
		for _, r := range page.Reservations {
			instances = append(instances, r.Instances...)
			if r.OwnerId != nil {
				d.account.Store(r.OwnerId)
			}
		}
		next := aws.ToString(page.NextToken)
		switch next {
		case "":
			return instances, nil
		case aws.ToString(in.NextToken):
			return nil, endless("the same page twice")
		}
		in.NextToken = page.NextToken
	}
	return nil, endless(fmt.Sprintf("more than %d pages", maxPages))
}

func endless(what string) error {
	return &compute.Error{
		Kind: compute.ErrUnreachable, Operation: describe, Message: "the list has no end: EC2 gave " + what,
		Remedy: "narrow the filters; check AWS_ENDPOINT_URL if it is set",
	}
}

// distinct returns ids sorted, each once.
func distinct(ids []string) []string {
	return slices.Compact(slices.Sorted(slices.Values(ids)))
}
