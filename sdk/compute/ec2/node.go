package ec2

import (
	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ec2/types"

	"github.com/chaos-monkey-engine/cmed/sdk/compute"
)

// states are ours for EC2's.
var states = map[types.InstanceStateName]compute.State{
	types.InstanceStateNamePending:      compute.Pending,
	types.InstanceStateNameRunning:      compute.Running,
	types.InstanceStateNameStopping:     compute.Stopping,
	types.InstanceStateNameStopped:      compute.Stopped,
	types.InstanceStateNameShuttingDown: compute.Terminating,
	types.InstanceStateNameTerminated:   compute.Terminated,
}

func stateOf(s *types.InstanceState) compute.State {
	if s != nil {
		if state, ok := states[s.Name]; ok {
			return state
		}
	}
	return compute.Unknown
}

// nodes returns instances as nodes, ordered by id.
func nodes(instances []types.Instance) []compute.Node {
	list := make([]compute.Node, len(instances))
	for i := range instances {
		list[i] = node(&instances[i])
	}
	compute.SortByID(list)
	return list
}

func node(i *types.Instance) compute.Node {
	n := compute.Node{
		ID:      aws.ToString(i.InstanceId),
		State:   stateOf(i.State),
		Private: some(i.PrivateIpAddress, i.PrivateDnsName),
		Public:  some(i.PublicIpAddress, i.Ipv6Address, i.PublicDnsName),
		Started: aws.ToTime(i.LaunchTime).UTC(),
		Extra:   extra(i),
	}
	if i.Placement != nil {
		n.Zone = aws.ToString(i.Placement.AvailabilityZone)
	}
	if len(i.Tags) > 0 {
		n.Tags = make(map[string]string, len(i.Tags))
	}
	for _, tag := range i.Tags {
		n.Tags[aws.ToString(tag.Key)] = aws.ToString(tag.Value)
	}
	n.Name = n.Tags["Name"]
	return n
}

// extra is what else is worth a look, as far as EC2 says it.
func extra(i *types.Instance) map[string]string {
	facts := map[string]string{
		"architecture":  string(i.Architecture),
		"image_id":      aws.ToString(i.ImageId),
		"instance_type": string(i.InstanceType),
		"key_name":      aws.ToString(i.KeyName),
		"lifecycle":     string(i.InstanceLifecycle), // "spot"
		"platform":      aws.ToString(i.PlatformDetails),
		"subnet_id":     aws.ToString(i.SubnetId),
		"vpc_id":        aws.ToString(i.VpcId),
	}
	if i.StateReason != nil {
		facts["state_reason"] = aws.ToString(i.StateReason.Message)
	}
	for name, fact := range facts {
		if fact == "" {
			delete(facts, name)
		}
	}
	return facts
}

// some returns the texts that are there, without repetition: some endpoints give
// an address for its own name.
func some(texts ...*string) []string {
	var there []string
	seen := map[string]bool{"": true}
	for _, text := range texts {
		if t := aws.ToString(text); !seen[t] {
			seen[t] = true
			there = append(there, t)
		}
	}
	return there
}
