package ec2

import (
	"fmt"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/chaos-monkey-engine/cmed/internal/awstest"
	"github.com/chaos-monkey-engine/cmed/sdk/compute"
)

func TestANodeHasWhatEC2Says(t *testing.T) {
	serve(t, answering(200, `<?xml version="1.0" encoding="UTF-8"?>
<DescribeInstancesResponse xmlns="http://ec2.amazonaws.com/doc/2016-11-15/"><requestId>1</requestId><reservationSet>
<item><reservationId>r-2</reservationId><instancesSet><item><instanceId>i-2</instanceId></item></instancesSet></item>
<item><reservationId>r-1</reservationId><instancesSet><item>
 <instanceId>i-1</instanceId><imageId>ami-1</imageId><instanceState><code>16</code><name>running</name></instanceState>
 <privateDnsName>ip-10-0-0-1.internal</privateDnsName><dnsName>ec2-1.example.com</dnsName><keyName>ops</keyName>
 <instanceType>t3.micro</instanceType><launchTime>2026-11-02T10:00:00.000Z</launchTime>
 <placement><availabilityZone>eu-west-1b</availabilityZone></placement><subnetId>subnet-1</subnetId><vpcId>vpc-1</vpcId>
 <privateIpAddress>10.0.0.1</privateIpAddress><ipAddress>203.0.113.1</ipAddress><ipv6Address>2001:db8::1</ipv6Address>
 <architecture>arm64</architecture><instanceLifecycle>spot</instanceLifecycle><platformDetails>Linux/UNIX</platformDetails>
 <stateReason><code>c</code><message>why</message></stateReason>
 <tagSet><item><key>Name</key><value>web</value></item><item><key>Chaos</key><value>true</value></item></tagSet>
</item></instancesSet></item></reservationSet></DescribeInstancesResponse>`))
	got, err := mustOpen(t, quick).Find(t.Context(), "i-1", "i-2")
	if err != nil {
		t.Fatal(err)
	}
	want := []compute.Node{
		{
			ID: "i-1", Name: "web", State: compute.Running, Zone: "eu-west-1b",
			Private: []string{"10.0.0.1", "ip-10-0-0-1.internal"},
			Public:  []string{"203.0.113.1", "2001:db8::1", "ec2-1.example.com"},
			Tags:    map[string]string{"Name": "web", "Chaos": "true"},
			Started: time.Date(2026, 11, 2, 10, 0, 0, 0, time.UTC),
			Extra: map[string]string{
				"architecture": "arm64", "image_id": "ami-1", "instance_type": "t3.micro", "key_name": "ops", "lifecycle": "spot",
				"platform": "Linux/UNIX", "state_reason": "why", "subnet_id": "subnet-1", "vpc_id": "vpc-1",
			},
		},
		{ID: "i-2", State: compute.Unknown, Extra: map[string]string{}},
	}
	if !reflect.DeepEqual(got, want) {
		t.Errorf("got\n%+v\nwant\n%+v", got, want)
	}
}

func TestFilters(t *testing.T) {
	s := newAWS(t)
	running := s.Add(awstest.Instance{Zone: "eu-west-1a", Tags: map[string]string{"Chaos": "true", "Name": "web-1"}}).ID
	other := s.Add(awstest.Instance{Zone: "eu-west-1b", Tags: map[string]string{"Chaos": "false", "Name": "web-2"}}).ID
	stopped := s.Add(awstest.Instance{State: "stopped", Tags: map[string]string{"Chaos": "true"}}).ID
	s.Add(awstest.Instance{Region: "us-east-1", Tags: map[string]string{"Chaos": "true"}})
	d := mustOpen(t, quick)
	tests := []struct {
		name     string
		filters  compute.Filters
		list     []string
		matching []string
	}{
		{"none", nil, []string{running, other}, []string{running, other, stopped}},
		{"a tag", compute.Filters{"tag:Chaos": {"true"}}, []string{running}, []string{running, stopped}},
		{"all names, any value", compute.Filters{"tag:Chaos": {"true", "false"}, "availability-zone": {"eu-west-1b"}}, []string{other}, []string{other}},
		{"a wildcard", compute.Filters{"tag:Name": {"web-?"}}, []string{running, other}, []string{running, other}},
		{"a state", compute.Filters{"instance-state-name": {"stopped"}}, []string{stopped}, []string{stopped}},
		{"nobody", compute.Filters{"tag:Chaos": {"maybe"}}, nil, nil},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			given := fmt.Sprint(tt.filters)
			list, err := d.List(t.Context(), tt.filters)
			wantIDs(t, list, err, tt.list)
			matching, err := d.Matching(t.Context(), tt.filters)
			wantIDs(t, matching, err, tt.matching)
			if fmt.Sprint(tt.filters) != given {
				t.Errorf("the caller's filters have become %v", tt.filters)
			}
		})
	}
}

// wantIDs compares the ids of a list, which is ordered by them.
func wantIDs(t *testing.T, got []compute.Node, err error, want []string) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
	want = slices.Sorted(slices.Values(want))
	if !slices.Equal(compute.IDs(got), want) {
		t.Errorf("got %v, want %v", compute.IDs(got), want)
	}
}

func TestBadFilters(t *testing.T) {
	newAWS(t)
	d := mustOpen(t, quick)
	many := make(compute.Values, 200)
	for i := range many {
		many[i] = fmt.Sprint(i)
	}
	tests := []struct {
		name    string
		filters compute.Filters
		want    string
	}{
		{"unknown to EC2", compute.Filters{"colour": {"red"}}, "InvalidParameterValue: The filter 'colour' is invalid; " + remedyFilter},
		{"without a value", compute.Filters{"tag:Chaos": nil}, `the filter "tag:Chaos" needs a name and at least one value; ` + remedyFilter},
		{"without a name", compute.Filters{"": {"x"}}, `the filter "" needs a name and at least one value; ` + remedyFilter},
		{"too many", compute.Filters{"tag:Chaos": many}, "201 values in the filters, and EC2 takes 200; " + remedyTooMany},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			_, err := d.List(t.Context(), tt.filters)
			wantError(t, err, compute.ErrBadFilter, "DescribeInstances: "+tt.want)
		})
	}
}

// A page may be empty and not the last, and each is asked for with the filters.
func TestAllPagesAreRead(t *testing.T) {
	s := newAWS(t)
	var want []string
	for i := range 2300 {
		instance := awstest.Instance{Tags: map[string]string{"Chaos": fmt.Sprint(i > 1500)}}
		if id := s.Add(instance).ID; i > 1500 {
			want = append(want, id)
		}
	}
	list, err := mustOpen(t, usual).List(t.Context(), compute.Filters{"tag:Chaos": {"true"}})
	wantIDs(t, list, err, want)
	if calls := len(s.Calls()); calls != 3 {
		t.Errorf("%d calls, want 3", calls)
	}
}

// Who isn't on a list isn't excluded, so half a list is none.
func TestAListWithoutAnEndIsAnError(t *testing.T) {
	serve(t, answering(200, strings.Replace(emptyList, "<reservationSet/>", "<reservationSet/><nextToken>again</nextToken>", 1)))
	_, err := mustOpen(t, quick).List(t.Context(), nil)
	wantError(t, err, compute.ErrUnreachable, "DescribeInstances: the list has no end: EC2 gave the same page twice; narrow the filters; check AWS_ENDPOINT_URL if it is set")
}

func TestFindLeavesOutWhatDoesNotExist(t *testing.T) {
	s := newAWS(t)
	var want []string
	for range 450 {
		want = append(want, s.Add(awstest.Instance{}).ID)
	}
	s.SetState(want[0], "terminated")
	d := mustOpen(t, usual)
	found, err := d.Find(t.Context(), append([]string{"i-00000000000000000", "*", "i-?", want[0], ""}, want...)...)
	wantIDs(t, found, err, want)
	for _, n := range found {
		if n.ID == want[0] && n.State != compute.Terminated {
			t.Errorf("%s is %s, want terminated", n.ID, n.State)
		}
	}
	if found, err := d.Find(t.Context(), "*"); err != nil || len(found) != 0 {
		t.Errorf("an id isn't a pattern: found %v, %v", compute.IDs(found), err)
	}
	if found, err := d.Find(t.Context()); err != nil || len(found) != 0 {
		t.Errorf("nobody was asked for: found %v, %v", compute.IDs(found), err)
	}
}

func TestTagsIsNoFilter(t *testing.T) {
	newAWS(t)
	d := mustOpen(t, quick)
	wanted := compute.Filters{"tags:Chaos": {"true"}}
	const words = `DescribeInstances: there is no filter "tags:Chaos"; write it as "tag:Chaos"`
	wantError(t, d.(compute.FilterChecker).CheckFilters(wanted), compute.ErrBadFilter, words)
	_, err := d.List(t.Context(), wanted)
	wantError(t, err, compute.ErrBadFilter, words)
	if err := d.(compute.FilterChecker).CheckFilters(compute.Filters{"tag:Chaos": {"true"}}); err != nil {
		t.Error(err)
	}
}
