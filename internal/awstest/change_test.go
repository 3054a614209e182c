package awstest

import (
	"context"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	awsec2 "github.com/aws/aws-sdk-go-v2/service/ec2"
	"github.com/aws/aws-sdk-go-v2/service/ec2/types"
)

// order is what a client asks to be done to instances, and what it is told:
// "id: before > after" of each, sorted by the request's order.
type order func(context.Context, *awsec2.Client, bool, ...string) (string, error)

var orders = map[string]order{
	"StartInstances": func(ctx context.Context, c *awsec2.Client, dry bool, ids ...string) (string, error) {
		out, err := c.StartInstances(ctx, &awsec2.StartInstancesInput{InstanceIds: ids, DryRun: &dry})
		if err != nil {
			return "", err
		}
		return changes(out.StartingInstances), nil
	},
	"StopInstances": func(ctx context.Context, c *awsec2.Client, dry bool, ids ...string) (string, error) {
		out, err := c.StopInstances(ctx, &awsec2.StopInstancesInput{InstanceIds: ids, DryRun: &dry})
		if err != nil {
			return "", err
		}
		return changes(out.StoppingInstances), nil
	},
	"TerminateInstances": func(ctx context.Context, c *awsec2.Client, dry bool, ids ...string) (string, error) {
		out, err := c.TerminateInstances(ctx, &awsec2.TerminateInstancesInput{InstanceIds: ids, DryRun: &dry})
		if err != nil {
			return "", err
		}
		return changes(out.TerminatingInstances), nil
	},
	"RebootInstances": func(ctx context.Context, c *awsec2.Client, dry bool, ids ...string) (string, error) {
		_, err := c.RebootInstances(ctx, &awsec2.RebootInstancesInput{InstanceIds: ids, DryRun: &dry})
		return "", err
	},
}

func changes(all []types.InstanceStateChange) string {
	var lines []string
	for _, c := range all {
		if states[string(c.CurrentState.Name)] != int(*c.CurrentState.Code) {
			return "wrong code"
		}
		lines = append(lines, string(c.PreviousState.Name)+" > "+string(c.CurrentState.Name))
	}
	return strings.Join(lines, ", ")
}

func TestOrdersInEachState(t *testing.T) {
	const ( // of what is refused
		start    = "!The instance 'i-0000000a' is not in a state from which it can be started."
		stop     = "!This instance 'i-0000000a' is not in a state from which it can be stopped."
		notYet   = "!Instance 'i-0000000a' cannot be stopped as it has never reached the 'running' state."
		rebooted = "!This instance 'i-0000000a' is not in a state from which it can be rebooted."
	)
	tests := map[string]map[string]string{ // by order, by state: the answer and the state later
		"StartInstances": {
			"pending": "pending > pending; pending", "running": "running > running; running",
			"stopping": start, "stopped": "stopped > pending; running",
			"shutting-down": start, "terminated": start,
		},
		"StopInstances": {
			"pending": notYet, "running": "running > stopping; stopped",
			"stopping": "stopping > stopping; stopping", "stopped": "stopped > stopped; stopped",
			"shutting-down": stop, "terminated": stop,
		},
		"TerminateInstances": {
			"pending": "pending > shutting-down; terminated", "running": "running > shutting-down; terminated",
			"stopping": "stopping > shutting-down; terminated", "stopped": "stopped > terminated; terminated",
			"shutting-down": "shutting-down > shutting-down; shutting-down", "terminated": "terminated > terminated; terminated",
		},
		"RebootInstances": {
			"pending": "; pending", "running": "; running", "stopping": rebooted,
			"stopped": rebooted, "shutting-down": rebooted, "terminated": rebooted,
		},
	}
	for name, byState := range tests {
		for state, want := range byState {
			t.Run(name+" of one that is "+state, func(t *testing.T) {
				s := open(t)
				s.Add(Instance{ID: "i-0000000a", State: state})
				answer, err := orders[name](within(t), client(t, s, s.Credentials()), false, "i-0000000a")
				if message, refused := strings.CutPrefix(want, "!"); refused {
					wantError(t, err, "IncorrectInstanceState", message)
					answer, want = "", "; "+state
				} else if err != nil {
					t.Fatal(err)
				}
				if got := answer + "; " + s.Instances("eu-west-1")[0].State; got != want {
					t.Errorf("got %q, want %q", got, want)
				}
			})
		}
	}
}

func TestAnOrderIsForAllOrNone(t *testing.T) {
	for name, do := range orders {
		t.Run(name, func(t *testing.T) {
			s := open(t)
			s.Add(Instance{ID: "i-0000000a"})
			s.Add(Instance{ID: "i-0000000b", State: "stopped"})
			s.Add(Instance{ID: "i-0000000c", Region: "us-east-1"})
			before := statesOf(s)
			c := client(t, s, s.Credentials())
			for _, tt := range []struct {
				ids           []string
				code, message string
			}{
				{[]string{"i-0000000a", "i-0000000b", "i-0000000f"}, "InvalidInstanceID.NotFound", "The instance ID 'i-0000000f' does not exist"},
				{[]string{"i-0000000a", "i-0000000c", "i-0000000b", "i-00000000000000001"}, "InvalidInstanceID.NotFound", "The instance IDs 'i-0000000c, i-00000000000000001' do not exist"},
				{[]string{"i-0000000a", "i-0000000b", "web-1"}, "InvalidInstanceID.Malformed", `Invalid id: "web-1"`},
				{[]string{"i-0000000a", "i-0000000b", "i-0000000A"}, "InvalidInstanceID.Malformed", ""},
				{[]string{}, "MissingParameter", "InstanceId"},
			} {
				_, err := do(within(t), c, false, tt.ids...)
				wantError(t, err, tt.code, tt.message)
				_, err = do(within(t), c, true, tt.ids...)
				wantError(t, err, tt.code, tt.message)
			}
			_, err := do(within(t), c, true, "i-0000000a", "i-0000000b")
			wantError(t, err, "DryRunOperation", "Request would have succeeded, but DryRun flag is set.")
			s.Deny(name)
			for _, dry := range []bool{true, false} {
				_, err = do(within(t), c, dry, "i-0000000a")
				wantError(t, err, "UnauthorizedOperation", "You are not authorized")
			}
			if after := statesOf(s); after != before {
				t.Errorf("it was done: %s", after)
			}
			s.Allow(name)
			if _, err = do(within(t), c, false, "i-0000000a"); err != nil && name != "StartInstances" {
				t.Errorf("allowed again: %v", err)
			}
		})
	}
}

func TestAProtectedInstanceSavesItsZone(t *testing.T) {
	s := open(t)
	s.Add(Instance{ID: "i-0000000a", Zone: "eu-west-1a"})
	s.Add(Instance{ID: "i-0000000b", Zone: "eu-west-1b"})
	s.Add(Instance{ID: "i-0000000c", Zone: "eu-west-1b", Protected: true})
	_, err := orders["TerminateInstances"](within(t), client(t, s, s.Credentials()), false, "i-0000000a", "i-0000000b", "i-0000000c")
	wantError(t, err, "OperationNotPermitted", "The instance 'i-0000000c' may not be terminated.")
	if got := statesOf(s); got != "i-0000000a=terminated i-0000000b=running i-0000000c=running" {
		t.Errorf("got %s", got)
	}
}

func TestWhatAChangeLeaves(t *testing.T) {
	s := open(t)
	s.Settle(time.Hour)
	old := time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)
	s.Add(Instance{ID: "i-0000000a", PublicIP: "203.0.113.1", Launched: old})
	c := client(t, s, s.Credentials())
	see := func() types.Instance {
		t.Helper()
		out, err := c.DescribeInstances(within(t), &awsec2.DescribeInstancesInput{InstanceIds: []string{"i-0000000a"}})
		if err != nil {
			t.Fatal(err)
		}
		return out.Reservations[0].Instances[0]
	}
	do := func(name string) {
		t.Helper()
		if _, err := orders[name](within(t), c, false, "i-0000000a"); err != nil {
			t.Fatal(err)
		}
	}
	do("RebootInstances")
	if got := s.Instances("eu-west-1")[0]; got.Reboots != 1 || got.State != "running" {
		t.Errorf("rebooted: got %+v", got)
	}
	do("StopInstances")
	if i := see(); i.State.Name != "stopping" || *i.StateReason.Code != "Client.UserInitiatedShutdown" ||
		!strings.HasPrefix(*i.StateTransitionReason, "User initiated (20") {
		t.Errorf("stopping: got %s, %v", i.State.Name, *i.StateTransitionReason)
	}
	s.SetState("i-0000000a", "stopped")
	if i := see(); i.PublicIpAddress != nil || !i.LaunchTime.Equal(old) {
		t.Errorf("stopped: got %s, launched %s", aws.ToString(i.PublicIpAddress), i.LaunchTime)
	}
	do("StartInstances")
	if i := see(); i.State.Name != "pending" || time.Since(*i.LaunchTime) > time.Minute || *i.StateTransitionReason != "" ||
		i.PublicIpAddress == nil || *i.PublicIpAddress == "203.0.113.1" {
		t.Errorf("started: got %s, launched %s, address %s", i.State.Name, i.LaunchTime, aws.ToString(i.PublicIpAddress))
	}
	do("TerminateInstances")
	s.SetState("i-0000000a", "terminated")
	if i := see(); i.PublicIpAddress != nil || i.PrivateIpAddress != nil || i.VpcId != nil {
		t.Errorf("terminated: got %+v", i)
	}
}

func TestAChangeTakesItsTime(t *testing.T) {
	s := open(t)
	s.Settle(300 * time.Millisecond)
	s.Add(Instance{ID: "i-0000000a"})
	c := client(t, s, s.Credentials())
	if _, err := orders["StopInstances"](within(t), c, false, "i-0000000a"); err != nil {
		t.Fatal(err)
	}
	began := time.Now()
	waiter := awsec2.NewInstanceStoppedWaiter(c, func(o *awsec2.InstanceStoppedWaiterOptions) {
		o.MinDelay, o.MaxDelay = 20*time.Millisecond, 20*time.Millisecond
	})
	in := &awsec2.DescribeInstancesInput{InstanceIds: []string{"i-0000000a"}}
	if err := waiter.Wait(within(t), in, 10*time.Second); err != nil {
		t.Fatal(err)
	}
	if took := time.Since(began); took < 200*time.Millisecond {
		t.Errorf("it was stopped after %s", took)
	}
}
