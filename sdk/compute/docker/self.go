package docker

import (
	"os"
	"regexp"
	"strings"
)

// shortID is how many digits of an id Docker shows, and makes the hostname of.
const shortID = 12

var fullID = regexp.MustCompile(`\b[0-9a-f]{64}\b`)

// self are the ids that the container of this process may have; none of them
// need be a container's.
type self struct {
	hostname string
	ids      map[string]bool
}

// is reports whether an id is that of the container of this process.
func (s self) is(id string) bool {
	return s.ids[id] || len(s.hostname) == shortID && strings.HasPrefix(id, s.hostname)
}

// readSelf asks the system. What can't be read says nothing.
func readSelf() self {
	hostname, _ := os.Hostname()
	mounts, _ := os.ReadFile("/proc/self/mountinfo")
	cgroups, _ := os.ReadFile("/proc/self/cgroup")
	return selfOf(hostname, string(mounts), string(cgroups))
}

// selfOf finds the ids. In a container, an engine mounts its own hosts, hostname
// and resolv.conf over those of the image, from a folder named by the container's
// id: the fourth field of mountinfo (proc(5)) has it, the fifth the mount point.
// On the host the mounts of all containers can be seen, but not at those three.
// The paths in cgroup (cgroups(7)) hold the id where the cgroups are the host's.
func selfOf(hostname, mounts, cgroups string) self {
	s := self{hostname: hostname, ids: make(map[string]bool)}
	for line := range strings.Lines(mounts) {
		fields := strings.Fields(line)
		if len(fields) < 5 {
			continue
		}
		switch fields[4] {
		case "/etc/hostname", "/etc/hosts", "/etc/resolv.conf":
			s.add(fields[3])
		}
	}
	for line := range strings.Lines(cgroups) {
		s.add(line)
	}
	return s
}

func (s self) add(text string) {
	for _, id := range fullID.FindAllString(text, -1) {
		s.ids[id] = true
	}
}
