package docker

import "testing"

func TestSelf(t *testing.T) {
	const host = `22 1 8:1 / / rw - ext4 /dev/sda1 rw
97 22 0:41 / /var/lib/docker/containers/` + oneID + `/mounts/shm rw - tmpfs shm rw
98 22 0:42 /` + oneID + ` /mnt/backup rw - ext4 /dev/sdb rw
`
	for _, c := range []struct {
		rule, hostname, mounts, cgroups string
		want                            bool
	}{
		{"a hostname that is the short id", oneID[:12], "", "", true},
		{"another hostname", "2" + oneID[:11], "", "", false},
		{"a hostname that an id begins with by chance", "1", "", "", false},
		{"no hostname", "", "", "", false},
		{
			"Docker's mounts, whatever the hostname", "web",
			"700 690 8:1 /var/lib/docker/containers/" + oneID + "/hostname /etc/hostname rw,relatime - ext4 /dev/sda1 rw\n", "", true,
		},
		{
			"Podman's mounts", "web",
			"700 690 0:25 /containers/overlay-containers/" + oneID + "/userdata/hosts /etc/hosts rw - tmpfs tmpfs rw\n", "", true,
		},
		{"the mounts of others as the host sees them", "web", host, "", false},
		{"cgroups of the first version", "web", "", "12:pids:/docker/" + oneID + "\n0::/\n", true},
		{"systemd's cgroups", "web", "", "0::/system.slice/docker-" + oneID + ".scope\n", true},
		{"cgroups that are the container's own", "web", "", "0::/\n", false},
		{"a longer number", "web", "", "0::/docker/" + oneID + "1\n", false},
		{"garbage", "web", "\x00\n\n1 2 3\n", "\xff", false},
	} {
		t.Run(c.rule, func(t *testing.T) {
			s := selfOf(c.hostname, c.mounts, c.cgroups)
			if got := s.is(oneID); got != c.want {
				t.Errorf("is that container: %t, want %t", got, c.want)
			}
			if s.is(otherID) {
				t.Error("takes another container for its own")
			}
		})
	}
}
