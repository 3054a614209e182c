package awstest

import (
	"slices"
	"strconv"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	awsec2 "github.com/aws/aws-sdk-go-v2/service/ec2"
	"github.com/aws/aws-sdk-go-v2/service/ec2/types"
)

func TestADescriptionHasAllThereIs(t *testing.T) {
	s := open(t)
	launched := time.Date(2026, 11, 2, 3, 4, 5, 0, time.UTC)
	s.Add(Instance{
		ID: "i-0123456789abcdef0", Zone: "eu-west-1b", Type: "t3.micro", PrivateIP: "10.1.2.3",
		PublicIP: "203.0.113.7", Tags: map[string]string{"Name": "a & b", "Domain": "<x>"}, Launched: launched,
	})
	out, err := client(t, s, s.Credentials()).DescribeInstances(within(t), &awsec2.DescribeInstancesInput{})
	if err != nil {
		t.Fatal(err)
	}
	if len(out.Reservations) != 1 || len(out.Reservations[0].Instances) != 1 {
		t.Fatalf("got %v", out.Reservations)
	}
	i := out.Reservations[0].Instances[0]
	tags := map[string]string{}
	for _, tag := range i.Tags {
		tags[*tag.Key] = *tag.Value
	}
	switch {
	case *i.InstanceId != "i-0123456789abcdef0", *i.State.Code != 16, i.State.Name != "running",
		i.InstanceType != "t3.micro", *i.Placement.AvailabilityZone != "eu-west-1b",
		*i.PrivateIpAddress != "10.1.2.3", *i.PublicIpAddress != "203.0.113.7",
		*i.PublicDnsName != "ec2-203-0-113-7.eu-west-1.compute.amazonaws.com",
		!i.LaunchTime.Equal(launched), len(tags) != 2, tags["Name"] != "a & b", tags["Domain"] != "<x>",
		i.StateReason != nil, *i.VpcId == "", *i.SubnetId == "":
		t.Errorf("got %+v with tags %v", i, tags)
	}
}

func TestAPageMayBeEmptyAndNotTheLast(t *testing.T) {
	s := open(t)
	for n := range 23 {
		s.Add(Instance{Tags: map[string]string{"n": strconv.Itoa(n)}})
	}
	c := client(t, s, s.Credentials())
	whole, err := list(t, c)
	if err != nil {
		t.Fatal(err)
	}
	if len(whole) != 23 || slices.IsSorted(whole) {
		t.Errorf("got %d instances, sorted: %v", len(whole), slices.IsSorted(whole))
	}
	if again, err := list(t, c); err != nil || !slices.Equal(whole, again) {
		t.Errorf("another order the second time: %v", err)
	}
	for _, tt := range []struct {
		filter types.Filter
		want   int
	}{
		{types.Filter{Name: aws.String("instance-state-name"), Values: []string{"running"}}, 23},
		{types.Filter{Name: aws.String("tag:n"), Values: []string{"7"}}, 1},
	} {
		pages, empty, got := 0, 0, []string{}
		all := awsec2.NewDescribeInstancesPaginator(c, &awsec2.DescribeInstancesInput{
			MaxResults: aws.Int32(5), Filters: []types.Filter{tt.filter},
		})
		for all.HasMorePages() {
			page, err := all.NextPage(within(t))
			if err != nil {
				t.Fatal(err)
			}
			pages++
			if len(page.Reservations) == 0 {
				empty++
			}
			got = append(got, idsOf(page.Reservations)...)
		}
		if pages != 5 || len(got) != tt.want || (tt.want == 1) != (empty == 4) {
			t.Errorf("%s: got %d instances on %d pages, %d of them empty", *tt.filter.Name, len(got), pages, empty)
		}
		if tt.want == 23 && !slices.Equal(got, whole) {
			t.Errorf("got %v, want each once: %v", got, whole)
		}
	}
}

func TestPagesThatAreRefused(t *testing.T) {
	s := open(t)
	c := client(t, s, s.Credentials())
	for range 6 {
		s.Add(Instance{})
	}
	page, err := c.DescribeInstances(within(t), &awsec2.DescribeInstancesInput{MaxResults: aws.Int32(5)})
	if err != nil || page.NextToken == nil {
		t.Fatalf("got no next page, error %v", err)
	}
	name := types.Filter{Name: aws.String("tag:Name"), Values: []string{"x"}}
	for _, tt := range []struct {
		in            awsec2.DescribeInstancesInput
		code, message string
	}{
		{awsec2.DescribeInstancesInput{MaxResults: aws.Int32(4)}, "InvalidParameterValue", "Expecting a value greater than 5"},
		{awsec2.DescribeInstancesInput{MaxResults: aws.Int32(1001)}, "InvalidParameterValue", "Expecting a value less than 1000"},
		{awsec2.DescribeInstancesInput{MaxResults: aws.Int32(5), InstanceIds: []string{"i-00000001"}}, "InvalidParameterCombination", "maxResults"},
		{awsec2.DescribeInstancesInput{NextToken: aws.String("x")}, "InvalidNextToken", ""},
		{awsec2.DescribeInstancesInput{NextToken: page.NextToken, Filters: []types.Filter{name}}, "InvalidNextToken", ""},
	} {
		_, err := c.DescribeInstances(within(t), &tt.in)
		wantError(t, err, tt.code, tt.message)
	}
}
