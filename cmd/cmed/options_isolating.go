package main

import (
	"fmt"
	"path/filepath"

	"github.com/chaos-monkey-engine/cmed/internal/host"
)

// isolating says what each run is confined to.
var isolating = []option{
	{
		name: "cgroup", kind: "path", fallback: "auto", reap: true,
		usage: "cgroup v2 in which each run gets one of its own: auto takes the daemon's where it is delegated; off",
		set:   setCgroup,
	}, {
		name: "run-memory", kind: "size", fallback: "1GiB", reap: true,
		usage: "memory of one run, where cgroups allow; 0: no limit",
		set:   setSize(func(c *config) *int64 { return &c.runMemory }),
	}, {
		name: "run-pids", kind: "number", fallback: "512", reap: true,
		usage: "processes and threads of one run, where cgroups allow; 0: no limit",
		set:   setNumber(0, 4_194_304, func(c *config) *int { return &c.runPids }), // as many as pid_max can be
	}, {
		name: "confine", kind: "ref=paths", repeats: true, scan: true, reap: true,
		usage: "keep attacks to reading system folders and writing what is named, such as 'stress_*:*=/var/tmp/stress' (Landlock)",
		set:   setConfinement,
	}, {
		name: "run-as", kind: "ref=user", repeats: true, scan: true, reap: true,
		usage: "run attacks as another user, such as 'stress_*:*=nobody:nogroup'; the daemon must be root",
		set:   setIdentity,
	},
}

func setConfinement(c *config, s string) error {
	confinement, err := host.ParseConfinement(s)
	if err != nil {
		return err
	}
	c.confine = append(c.confine, confinement)
	return nil
}

func setIdentity(c *config, s string) error {
	identity, err := host.ParseIdentity(s)
	if err != nil {
		return err
	}
	c.runAs = append(c.runAs, identity)
	return nil
}

func setCgroup(c *config, s string) error {
	if s != "auto" && s != "off" && !filepath.IsAbs(s) {
		return fmt.Errorf("%q is not auto, off or the path of a cgroup such as /sys/fs/cgroup/cmed", s)
	}
	c.cgroup = s
	return nil
}
