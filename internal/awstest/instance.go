package awstest

import (
	"cmp"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
	"time"
)

// Instance is one EC2 instance.
type Instance struct {
	ID        string // made up if empty
	Region    string // eu-west-1 if empty
	Zone      string // Region + "a" if empty
	Type      string // m1.small if empty
	Image     string // made up if empty
	State     string // running if empty: pending, running, stopping, stopped, shutting-down, terminated
	PrivateIP string // made up if empty
	PublicIP  string // a new one after each start, as without an Elastic IP
	Tags      map[string]string
	Launched  time.Time // now if zero; changes with each start
	Protected bool      // against termination
	Reboots   int       // how often it was rebooted
}

// states are the states of an instance with their codes.
var states = map[string]int{
	"pending": 0, "running": 16, "shutting-down": 32, "terminated": 48, "stopping": 64, "stopped": 80,
}

// settled are the states that the passing ones become.
var settled = map[string]string{
	"pending": "running", "stopping": "stopped", "shutting-down": "terminated",
}

// instance is an Instance as the server keeps it.
type instance struct {
	Instance
	settles     time.Time // when State is over; zero: it stays
	cause       string    // of its last change; empty: no user's
	reservation string
	number      int // in the order in which they were added
}

// Add adds an instance and returns it as it is now. It panics for a state that
// isn't one and an id that is taken.
func (s *Server) Add(i Instance) Instance {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.add(i).copy()
}

func (s *Server) add(i Instance) *instance {
	s.made++
	i.Region = cmp.Or(i.Region, "eu-west-1")
	i.ID = cmp.Or(i.ID, madeUp("i", s.made))
	i.Zone = cmp.Or(i.Zone, i.Region+"a")
	i.Type = cmp.Or(i.Type, "m1.small")
	i.Image = cmp.Or(i.Image, madeUp("ami", 0))
	i.State = cmp.Or(i.State, "running")
	i.PrivateIP = cmp.Or(i.PrivateIP, fmt.Sprintf("10.0.%d.%d", s.made/250, s.made%250+4))
	if i.Launched.IsZero() {
		i.Launched = time.Now()
	}
	i.Launched = i.Launched.UTC().Truncate(time.Second)
	i.Tags = maps.Clone(i.Tags)
	if i.Tags == nil {
		i.Tags = map[string]string{}
	}
	if _, ok := states[i.State]; !ok {
		panic("awstest: no state " + i.State)
	}
	if s.instances[i.ID] != nil {
		panic("awstest: there is an instance " + i.ID)
	}
	kept := &instance{Instance: i, reservation: madeUp("r", s.made), number: len(s.instances) + 1}
	s.instances[i.ID] = kept
	return kept
}

// copy returns what callers may keep and change.
func (i *instance) copy() Instance {
	c := i.Instance
	c.Tags = maps.Clone(i.Tags)
	return c
}

// Instances returns all of a region, terminated ones included, ordered by id.
func (s *Server) Instances(region string) []Instance {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.settleAll(time.Now())
	var all []Instance
	for _, i := range s.instances {
		if i.Region == region {
			all = append(all, i.copy())
		}
	}
	slices.SortFunc(all, func(a, b Instance) int { return strings.Compare(a.ID, b.ID) })
	return all
}

// SetState changes an instance behind its clients' backs. It stays in a passing
// state too. It panics for what isn't a state and an instance that isn't there.
func (s *Server) SetState(id, state string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	i := s.instances[id]
	if _, ok := states[state]; !ok || i == nil {
		panic("awstest: no instance " + id + " or no state " + state)
	}
	i.State, i.settles, i.cause = state, time.Time{}, ""
}

// Settle is how long a change takes (running to stopping to stopped); zero, the
// start value: it is seen as stopping by the answer and stopped from then on.
func (s *Server) Settle(d time.Duration) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.settle = d
}

// settleAll brings the instances that are on their way where they are by now.
func (s *Server) settleAll(now time.Time) {
	for _, i := range s.instances {
		if !i.settles.IsZero() && !now.Before(i.settles) {
			i.State, i.settles = settled[i.State], time.Time{}
		}
	}
}

// inRegion returns the instances of a region in the order in which they are
// answered: the same each time, and of no use to anybody.
func (s *Server) inRegion(region string) []*instance {
	var all []*instance
	for _, i := range s.instances {
		if i.Region == region {
			all = append(all, i)
		}
	}
	slices.SortFunc(all, func(a, b *instance) int { return strings.Compare(a.place(), b.place()) })
	return all
}

// place is where an instance is in the order of answers.
func (i *instance) place() string { return digest([]byte(i.ID)) }

// madeUp returns the nth id of a kind, the same in each server.
func madeUp(kind string, n int) string {
	sum := sha256.Sum256([]byte(kind + strconv.Itoa(n)))
	return kind + "-" + hex.EncodeToString(sum[:])[:17]
}
