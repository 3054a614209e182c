package sdk

import (
	"time"

	"github.com/chaos-monkey-engine/cmed/sdk/internal/inprocess"
)

func init() { inprocess.New = newInProcess }

// newInProcess serves offers for package sdktest. Nothing ends this process when
// the grace is over: whoever calls has to bound its wait.
func newInProcess(grace time.Duration, offers ...any) inprocess.Plugin {
	list := make([]Offer, len(offers))
	for i, o := range offers {
		list[i] = o.(Offer)
	}
	l := newLife(grace)
	l.kill = func() {}
	return inprocess.Plugin{
		Server: newService(newFixed(list), l),
		End:    func(cause, reason string) { l.end(&StopError{Cause: StopCause(cause), Reason: reason}) },
	}
}
