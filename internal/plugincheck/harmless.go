package plugincheck

import (
	"context"
	"strings"

	"github.com/chaos-monkey-engine/cmed/internal/host"
)

// changed says what was tried to be changed outside the process itself and its
// own folder; "" if nothing was.
func changed(seen []host.Sighting) string {
	for _, kind := range []struct {
		kind host.SightingKind
		verb string
	}{
		{host.SawWrite, "change"}, {host.SawSignal, "send"}, {host.SawSystem, "use the system call"},
	} {
		if what := details(seen, kind.kind); len(what) > 0 {
			return "it tried to " + kind.verb + " " + printable(strings.Join(what, ", "))
		}
	}
	return ""
}

func harmlessDryRun(_ context.Context, s *subject) verdict {
	refused, connected := "", ""
	for _, p := range s.evidence.rehearsals {
		if harm := harmed(p); harm != "" {
			return failed("%s", harm)
		}
		if p.refused() != "" {
			refused = p.refused()
		}
		if families := details(p.seen, host.SawNetwork); len(families) > 0 {
			connected = "; it looked for the network (" + printable(strings.Join(families, ", ")) + "), which it was not let into"
		}
	}
	switch {
	case !s.sandboxed:
		return notRun("no undo record and no hit were seen, but whether it changes files can't be told: %s", s.noSandbox)
	case refused != "":
		return notRun("it did nothing, but failed before it got far: %s%s", refused, connected)
	}
	return verdict{outcome: Passed, message: strings.TrimPrefix(connected, "; ")}
}
