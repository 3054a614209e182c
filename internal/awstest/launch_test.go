package awstest

import (
	"slices"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	awsec2 "github.com/aws/aws-sdk-go-v2/service/ec2"
	"github.com/aws/aws-sdk-go-v2/service/ec2/types"
)

func TestInstancesAreLaunchedOnce(t *testing.T) {
	s := open(t)
	c := client(t, s, s.Credentials())
	in := &awsec2.RunInstancesInput{
		ImageId: aws.String("ami-12345678"), InstanceType: "t3.nano", MinCount: aws.Int32(1), MaxCount: aws.Int32(3),
		ClientToken: aws.String("once"), Placement: &types.Placement{AvailabilityZone: aws.String("eu-west-1c")},
		TagSpecifications: []types.TagSpecification{
			{ResourceType: "volume", Tags: []types.Tag{{Key: aws.String("Name"), Value: aws.String("disk")}}},
			{ResourceType: "instance", Tags: []types.Tag{{Key: aws.String("Name"), Value: aws.String("web")}}},
		},
	}
	out, err := c.RunInstances(within(t), in)
	if err != nil {
		t.Fatal(err)
	}
	ids := idsOf([]types.Reservation{{Instances: out.Instances}})
	if len(ids) != 3 || out.Instances[0].State.Name != "pending" || *out.Instances[2].AmiLaunchIndex != 2 || *out.ReservationId == "" {
		t.Errorf("got %+v", out)
	}
	again, err := c.RunInstances(within(t), in)
	if err != nil {
		t.Fatal(err)
	}
	if got := idsOf([]types.Reservation{{Instances: again.Instances}}); !slices.Equal(got, ids) {
		t.Errorf("the same token gives %v, not %v", got, ids)
	}
	found, err := list(t, c, "tag:Name", "web", "image-id", "ami-12345678", "instance-type", "t3.nano",
		"availability-zone", "eu-west-1c", "instance-state-name", "running")
	if err != nil || len(found) != 3 {
		t.Errorf("found %v, %v", found, err)
	}
	if other := s.Instances("us-east-1"); len(other) != 0 {
		t.Errorf("another region has %v", other)
	}
}

func TestLaunchesThatAreRefused(t *testing.T) {
	s := open(t)
	c := client(t, s, s.Credentials())
	run := func(image string, least, most int32, dry bool) error {
		_, err := c.RunInstances(within(t), &awsec2.RunInstancesInput{
			ImageId: &image, MinCount: &least, MaxCount: &most, DryRun: &dry,
		})
		return err
	}
	wantError(t, run("", 1, 1, false), "MissingParameter", "ImageId")
	wantError(t, run("ami-1", 2, 1, false), "InvalidParameterValue", "MinCount")
	wantError(t, run("ami-1", 0, 1, false), "InvalidParameterValue", "MinCount")
	wantError(t, run("ami-1", 1, 1, true), "DryRunOperation", "")
	_, err := c.RunInstances(within(t), &awsec2.RunInstancesInput{
		ImageId: aws.String("ami-1"), MinCount: aws.Int32(1), MaxCount: aws.Int32(1),
		Placement: &types.Placement{AvailabilityZone: aws.String("us-east-1a")},
	})
	wantError(t, err, "InvalidParameterValue", "Invalid availability zone: [us-east-1a]")
	if all := s.Instances("eu-west-1"); len(all) != 0 {
		t.Errorf("launched %v", all)
	}
}

func TestTagsAreSet(t *testing.T) {
	s := open(t)
	s.Add(Instance{ID: "i-0000000a", Tags: map[string]string{"Name": "a", "Domain": "shop"}})
	c := client(t, s, s.Credentials())
	tagThem := func(key string, ids ...string) error {
		_, err := c.CreateTags(within(t), &awsec2.CreateTagsInput{
			Resources: ids, Tags: []types.Tag{{Key: &key, Value: aws.String("b")}},
		})
		return err
	}
	if err := tagThem("Name", "i-0000000a"); err != nil {
		t.Fatal(err)
	}
	wantError(t, tagThem("Name", "i-0000000a", "i-0000000b"), "InvalidInstanceID.NotFound", "i-0000000b")
	wantError(t, tagThem("aws:x", "i-0000000a"), "InvalidParameterValue", "aws:")
	if tags := s.Instances("eu-west-1")[0].Tags; len(tags) != 2 || tags["Name"] != "b" || tags["Domain"] != "shop" {
		t.Errorf("got %v", tags)
	}
}
