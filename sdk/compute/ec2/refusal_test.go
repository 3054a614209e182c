package ec2

import (
	"context"
	"strings"
	"testing"
	"time"

	"github.com/chaos-monkey-engine/cmed/internal/awstest"
	"github.com/chaos-monkey-engine/cmed/sdk/compute"
)

const keysRemedy = "; check AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY (or the profile), the clock of this machine, and that the region is enabled for the account"

func TestRefusedCredentials(t *testing.T) {
	tests := []struct {
		name string
		env  []string
		want string
	}{
		{"a wrong secret", []string{"AWS_SECRET_ACCESS_KEY=" + testSecret}, "SignatureDoesNotMatch: The request signature we calculated does not match the signature you provided. Check your AWS Secret Access Key and signing method. Consult the service documentation for details" + keysRemedy},
		{"an unknown key", []string{"AWS_ACCESS_KEY_ID=" + testKey}, "AuthFailure: AWS was not able to validate the provided access credentials" + keysRemedy},
		{"a token that isn't the key's", []string{"AWS_SESSION_TOKEN=nonsense"}, "AuthFailure: AWS was not able to validate the provided access credentials" + keysRemedy},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			newAWS(t, tt.env...)
			_, err := mustOpen(t, quick).List(t.Context(), nil)
			wantError(t, err, compute.ErrNotAllowed, "DescribeInstances: "+tt.want)
		})
	}
}

// What EC2 says keeps its code, gets a kind and a remedy, and loses what nobody
// can read.
func TestRefusals(t *testing.T) {
	secrets := "The string to sign was\n" + testSecret
	tests := []struct {
		code, message string
		kind          error
		want          string
	}{
		{"UnauthorizedOperation", "You are not authorized to perform this operation. User: arn:aws:iam::123456789012:user/chaos is not authorized to perform: ec2:TerminateInstances. Encoded authorization failure message: " + strings.Repeat("x", 2000), compute.ErrNotAllowed, "You are not authorized to perform this operation. User: arn:aws:iam::123456789012:user/chaos is not authorized to perform: ec2:TerminateInstances; " + remedyAllow},
		{"ExpiredToken", "The security token included in the request is expired", compute.ErrNotAllowed, "The security token included in the request is expired; " + remedyExpired},
		{"SignatureDoesNotMatch", secrets, compute.ErrNotAllowed, "The string to sign was" + keysRemedy},
		{"AuthFailure", "It was " + testSecret, compute.ErrNotAllowed, "It was (hidden)" + keysRemedy},
		{"OptInRequired", "You are not subscribed to this service.", compute.ErrNotAllowed, "You are not subscribed to this service; enable EC2 and this region for the account"},
		{"OperationNotPermitted", "The instance 'i-1' may not be terminated.", compute.ErrNotAllowed, "The instance 'i-1' may not be terminated; the instance is protected: turn off its termination or stop protection, or exclude it; those in other zones may have been hit"},
		{"InvalidInstanceID.NotFound", "The instance ID 'i-1' does not exist", compute.ErrNotFound, "The instance ID 'i-1' does not exist; check the ids and the region: an instance is known in its own region only, and for about an hour after its end"},
		{"InvalidInstanceID.Malformed", `Invalid id: "x"`, compute.ErrNotFound, `Invalid id: "x"; check the ids and the region: an instance is known in its own region only, and for about an hour after its end`},
		{"IncorrectInstanceState", "The instance 'i-1' is not in a state from which it can be started.", compute.ErrBadState, "The instance 'i-1' is not in a state from which it can be started; " + remedyState},
		{"ThrottlingException", "Rate exceeded", compute.ErrThrottled, "Rate exceeded (2 tries); " + remedyThrottled},
		{"InvalidParameterValue", "Something is invalid", nil, "Something is invalid"},
		{"SomethingNew", "EC2 has learnt something", nil, "EC2 has learnt something"},
		{"Unavailable", strings.Repeat("ü", 400), compute.ErrUnreachable, strings.Repeat("ü", 200) + "…; " + remedyLater},
	}
	for _, tt := range tests {
		t.Run(tt.code, func(t *testing.T) {
			serve(t, answering(400, refusal(tt.code, tt.message)))
			within(t, 5*time.Second, func(ctx context.Context) {
				_, err := mustOpen(t, quick).Terminate(ctx, compute.Order{IDs: []string{"i-1"}})
				wantError(t, err, tt.kind, "TerminateInstances: "+tt.code+": "+tt.want)
			})
		})
	}
}

func TestUnauthorized(t *testing.T) {
	s := newAWS(t)
	i := s.Add(awstest.Instance{})
	s.Deny("TerminateInstances")
	d := mustOpen(t, quick)
	for _, dry := range []bool{true, false} {
		_, err := d.Terminate(t.Context(), compute.Order{IDs: []string{i.ID}, DryRun: dry})
		wantError(t, err, compute.ErrNotAllowed, "TerminateInstances: UnauthorizedOperation: You are not authorized to perform this operation; "+remedyAllow)
	}
}

func TestThrottling(t *testing.T) {
	s := newAWS(t)
	i := s.Add(awstest.Instance{})
	s.Inject(awstest.Fault{Action: "*", Times: 1, Throttle: true})
	d := mustOpen(t, quick)
	if list, err := d.List(t.Context(), nil); err != nil || len(list) != 1 || list[0].ID != i.ID {
		t.Errorf("after one throttle: %v, %v", list, err)
	}
	s.Inject(awstest.Fault{Action: "*", Times: -1, Throttle: true})
	within(t, 10*time.Second, func(ctx context.Context) {
		_, err := d.List(ctx, nil)
		wantError(t, err, compute.ErrThrottled, "DescribeInstances: RequestLimitExceeded: Request limit exceeded (2 tries); "+remedyThrottled)
	})
}
