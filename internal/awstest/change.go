package awstest

import (
	"fmt"
	"net/http"
	"regexp"
	"slices"
	"strings"
	"time"
)

// step says what an order makes of an instance.
type step func(*instance) (state string, refused *apiError)

// start: what stands still starts; what is under way or running stays so.
func start(i *instance) (string, *apiError) {
	switch i.State {
	case "stopped":
		return "pending", nil
	case "pending", "running":
		return i.State, nil
	default:
		return "", wrongState("The instance '%s' is not in a state from which it can be started.", i)
	}
}

func stop(i *instance) (string, *apiError) {
	switch i.State {
	case "running":
		return "stopping", nil
	case "stopping", "stopped":
		return i.State, nil
	case "pending":
		return "", wrongState("Instance '%s' cannot be stopped as it has never reached the 'running' state.", i)
	default:
		return "", wrongState("This instance '%s' is not in a state from which it can be stopped.", i)
	}
}

// terminate works in every state; once more does no harm. One that doesn't run
// has nothing to shut down.
func terminate(i *instance) (string, *apiError) {
	switch i.State {
	case "stopped", "terminated":
		return "terminated", nil
	default:
		return "shutting-down", nil
	}
}

func wrongState(format string, i *instance) *apiError {
	return fail(http.StatusBadRequest, "IncorrectInstanceState", fmt.Sprintf(format, i.ID))
}

// stateChanges is the answer to what starts, stops and terminates.
type stateChanges struct {
	numbered
	Changes []stateChange `xml:"instancesSet>item"`
}

type stateChange struct {
	ID       string        `xml:"instanceId"`
	Current  stateDocument `xml:"currentState"`
	Previous stateDocument `xml:"previousState"`
}

// change makes an action of a step: all instances take it, or none.
func change(take step) action {
	return func(s *Server, q *query) (any, *apiError) {
		targets, refused := s.targets(q)
		if refused != nil {
			return nil, refused
		}
		next := make([]string, len(targets))
		for n, i := range targets {
			if next[n], refused = take(i); refused != nil {
				return nil, refused
			}
		}
		changes := stateChanges{numbered: newNumber()}
		for n, i := range targets {
			previous := i.State
			s.turn(i, next[n], time.Now())
			changes.Changes = append(changes.Changes, stateChange{i.ID, stateOf(next[n]), stateOf(previous)})
		}
		return changes, nil
	}
}

// turn puts an instance into a state that a user caused. A passing state ends by
// itself.
func (s *Server) turn(i *instance, state string, now time.Time) {
	if state == i.State {
		return
	}
	i.State, i.settles, i.cause = state, time.Time{}, ""
	if settled[state] != "" {
		i.settles = now.Add(s.settle)
	}
	switch state {
	case "pending":
		i.Launched = now.UTC().Truncate(time.Second)
		if i.PublicIP != "" {
			s.made++
			i.PublicIP = fmt.Sprintf("203.0.113.%d", s.made%250+4) // TEST-NET-3
		}
	default:
		i.cause = "User initiated (" + now.UTC().Format("2006-01-02 15:04:05 GMT") + ")"
	}
}

// terminateInstances terminates. A protected instance saves those that are in
// its zone, and only those.
func terminateInstances(s *Server, q *query) (any, *apiError) {
	targets, refused := s.targets(q)
	if refused != nil {
		return nil, refused
	}
	safe := slices.IndexFunc(targets, func(i *instance) bool { return i.Protected && i.State != "terminated" })
	if safe < 0 {
		return change(terminate)(s, q)
	}
	var zones []string
	for _, i := range targets {
		if i.Protected {
			zones = append(zones, i.Zone)
		}
	}
	for _, i := range targets {
		if !slices.Contains(zones, i.Zone) {
			next, _ := terminate(i) // never refuses
			s.turn(i, next, time.Now())
		}
	}
	return nil, fail(http.StatusBadRequest, "OperationNotPermitted", fmt.Sprintf(
		"The instance '%s' may not be terminated. Modify its 'disableApiTermination' instance attribute and try again.",
		targets[safe].ID))
}

// rebootInstances reboots, which no state shows: Instance.Reboots does.
func rebootInstances(s *Server, q *query) (any, *apiError) {
	targets, refused := s.targets(q)
	if refused != nil {
		return nil, refused
	}
	for _, i := range targets {
		if i.State != "running" && i.State != "pending" {
			return nil, wrongState("This instance '%s' is not in a state from which it can be rebooted.", i)
		}
	}
	for _, i := range targets {
		i.Reboots++
	}
	return done{newNumber(), true}, nil
}

var isInstanceID = regexp.MustCompile(`^i-([0-9a-f]{8}|[0-9a-f]{17})$`)

// targets returns the instances that an order names. A dry run ends here: it
// finds what may not be done and what isn't there, but not a wrong state.
func (s *Server) targets(q *query) ([]*instance, *apiError) {
	targets, refused := s.find(q.list("InstanceId"), q.region())
	if refused == nil && len(targets) == 0 {
		refused = fail(http.StatusBadRequest, "MissingParameter", "The request must contain the parameter InstanceId")
	}
	if refused == nil {
		refused = dryRun(q)
	}
	return targets, refused
}

// find returns the instances of a region with these ids, each once.
func (s *Server) find(ids []string, region string) ([]*instance, *apiError) {
	var found []*instance
	var missing []string
	for _, id := range ids {
		if !isInstanceID.MatchString(id) {
			return nil, fail(http.StatusBadRequest, "InvalidInstanceID.Malformed", fmt.Sprintf(`Invalid id: "%s"`, id))
		}
		i := s.instances[id]
		switch {
		case i == nil || i.Region != region:
			missing = append(missing, id)
		case !slices.Contains(found, i):
			found = append(found, i)
		}
	}
	switch len(missing) {
	case 0:
		return found, nil
	case 1:
		return nil, notFound("The instance ID '%s' does not exist", missing)
	default:
		return nil, notFound("The instance IDs '%s' do not exist", missing)
	}
}

func notFound(format string, ids []string) *apiError {
	return fail(http.StatusBadRequest, "InvalidInstanceID.NotFound", fmt.Sprintf(format, strings.Join(ids, ", ")))
}
