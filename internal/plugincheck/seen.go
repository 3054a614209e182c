package plugincheck

import (
	"strings"

	"github.com/chaos-monkey-engine/cmed/internal/host"
)

// untouched judges what the sandbox saw: nothing outside the process may be
// changed or called.
func untouched(seen []host.Sighting) verdict {
	if paths := details(seen, host.SawWrite); len(paths) > 0 {
		return failed("it tries to change %s", strings.Join(paths, ", "))
	}
	if peers := details(seen, host.SawNetwork); len(peers) > 0 {
		return failed("it tries to use the network (%s)", strings.Join(peers, ", "))
	}
	if signals := details(seen, host.SawSignal); len(signals) > 0 {
		return failed("it tries to send signals to others (%s)", strings.Join(signals, ", "))
	}
	if calls := details(seen, host.SawSystem); len(calls) > 0 {
		return failed("it tries to change the machine (%s)", strings.Join(calls, ", "))
	}
	return passed()
}

// silent judges what came on standard output besides the handshake.
func silent(seen []host.Sighting) verdict {
	if texts := details(seen, host.SawStdout); len(texts) > 0 {
		return failed("it prints %s", excerpt(texts[0]))
	}
	return passed()
}

// alone judges which processes were left.
func alone(seen []host.Sighting) verdict {
	if left := details(seen, host.SawProcess); len(left) > 0 {
		return failed("it leaves running: %s", strings.Join(left, ", "))
	}
	return passed()
}

// mostDetails bounds how many sightings of a kind one message names.
const mostDetails = 5

// details returns what was seen of a kind, each once and the first few.
func details(seen []host.Sighting, kind host.SightingKind) []string {
	var out []string
	known := map[string]bool{}
	for _, s := range seen {
		if s.Kind != kind || known[s.Detail] {
			continue
		}
		known[s.Detail] = true
		if len(out) == mostDetails {
			return append(out, "and more")
		}
		out = append(out, s.Detail)
	}
	return out
}
