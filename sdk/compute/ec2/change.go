package ec2

import (
	"context"
	"errors"
	"slices"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ec2"
	"github.com/aws/aws-sdk-go-v2/service/ec2/types"

	"github.com/chaos-monkey-engine/cmed/sdk/compute"
)

// maxIDs is how many instances one call may name.
const maxIDs = 1000

// wouldHave is the code of a dry run that would have been done.
const wouldHave = "DryRunOperation"

// Start orders stopped instances to start.
func (d *driver) Start(ctx context.Context, o compute.Order) ([]compute.Change, error) {
	return inBatches("StartInstances", o, func(ids []string, dryRun *bool) ([]types.InstanceStateChange, error) {
		out, err := call(ctx, d, "StartInstances", d.api.start,
			&ec2.StartInstancesInput{InstanceIds: ids, DryRun: dryRun})
		if err != nil {
			return nil, err
		}
		return out.StartingInstances, nil
	})
}

// Stop orders instances to shut down in good order.
func (d *driver) Stop(ctx context.Context, o compute.Order) ([]compute.Change, error) {
	return inBatches("StopInstances", o, func(ids []string, dryRun *bool) ([]types.InstanceStateChange, error) {
		out, err := call(ctx, d, "StopInstances", d.api.stop,
			&ec2.StopInstancesInput{InstanceIds: ids, DryRun: dryRun})
		if err != nil {
			return nil, err
		}
		return out.StoppingInstances, nil
	})
}

// Terminate orders the end of instances. EC2 does it zone by zone: where one is
// protected none of its zone is terminated, those in other zones are.
func (d *driver) Terminate(ctx context.Context, o compute.Order) ([]compute.Change, error) {
	return inBatches("TerminateInstances", o, func(ids []string, dryRun *bool) ([]types.InstanceStateChange, error) {
		out, err := call(ctx, d, "TerminateInstances", d.api.terminate,
			&ec2.TerminateInstancesInput{InstanceIds: ids, DryRun: dryRun})
		if err != nil {
			return nil, err
		}
		return out.TerminatingInstances, nil
	})
}

// Reboot orders instances to reboot. EC2's answer has no states; as it shows an
// instance as running all the while, each Change is from running to running.
func (d *driver) Reboot(ctx context.Context, o compute.Order) ([]compute.Change, error) {
	return inBatches("RebootInstances", o, func(ids []string, dryRun *bool) ([]types.InstanceStateChange, error) {
		_, err := call(ctx, d, "RebootInstances", d.api.reboot,
			&ec2.RebootInstancesInput{InstanceIds: ids, DryRun: dryRun})
		if err != nil {
			return nil, err
		}
		return stillRunning(ids), nil
	})
}

func stillRunning(ids []string) []types.InstanceStateChange {
	running := &types.InstanceState{Name: types.InstanceStateNameRunning}
	changes := make([]types.InstanceStateChange, len(ids))
	for i, id := range ids {
		changes[i] = types.InstanceStateChange{InstanceId: aws.String(id), PreviousState: running, CurrentState: running}
	}
	return changes
}

// inBatches has an order carried out, in as many calls as it needs. When one
// fails, the changes that the ones before it have made come back with the error.
func inBatches(operation string, o compute.Order, do func(ids []string, dryRun *bool) ([]types.InstanceStateChange, error)) ([]compute.Change, error) {
	var changes []compute.Change
	for ids := range slices.Chunk(distinct(o.IDs), maxIDs) {
		if o.DryRun {
			if err := dryRun(operation, ids, do); err != nil {
				return nil, err
			}
			continue
		}
		made, err := do(ids, nil)
		if err != nil {
			return changes, err
		}
		for _, c := range made {
			changes = append(changes, compute.Change{ID: aws.ToString(c.InstanceId), From: stateOf(c.PreviousState), To: stateOf(c.CurrentState)})
		}
	}
	return changes, nil
}

// dryRun asks EC2 whether it would do it. That it would is an error code.
func dryRun(operation string, ids []string, do func(ids []string, dryRun *bool) ([]types.InstanceStateChange, error)) error {
	_, err := do(ids, aws.Bool(true))
	var e *compute.Error
	switch {
	case errors.As(err, &e) && e.Code == wouldHave:
		return nil
	case err == nil:
		return &compute.Error{
			Operation: operation, Message: "the endpoint has ignored that it was a dry run, and may have done it",
			Remedy: "don't use dry_run with this AWS_ENDPOINT_URL",
		}
	}
	return err
}
