package ec2

import (
	"slices"
	"testing"

	"github.com/chaos-monkey-engine/cmed/internal/awstest"
	"github.com/chaos-monkey-engine/cmed/sdk/compute"
)

func TestIdentityIsTheAccount(t *testing.T) {
	const account = "123456789012"
	s := newAWS(t)
	identify := func(d compute.Driver) {
		t.Helper()
		if got, err := d.(compute.Identified).Identity(t.Context()); err != nil || got != account {
			t.Errorf("%q, %v", got, err)
		}
	}
	asked := func() bool {
		return slices.ContainsFunc(s.Calls(), func(c awstest.Call) bool { return c.Action == "GetCallerIdentity" })
	}
	id := s.Add(awstest.Instance{}).ID
	d := mustOpen(t, quick)
	if _, err := d.Find(t.Context(), id); err != nil {
		t.Fatal(err)
	}
	if identify(d); asked() {
		t.Error("STS was asked for what the list of instances says")
	}
	d = mustOpen(t, quick)
	if _, err := d.Find(t.Context(), "i-0123456789abcdef0"); err != nil {
		t.Fatal(err)
	}
	if identify(d); !asked() {
		t.Error("nobody was asked")
	}
	s.Inject(awstest.Fault{Action: "GetCallerIdentity", Times: -1, Throttle: true})
	_, err := mustOpen(t, quick).(compute.Identified).Identity(t.Context())
	wantError(t, err, compute.ErrThrottled, "GetCallerIdentity: RequestLimitExceeded: Request limit exceeded (2 tries); "+remedyThrottled)
}
