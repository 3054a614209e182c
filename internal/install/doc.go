// Package install tests the ways to install cmed as a user would use them: the
// systemd unit under a real systemd, and the image in a real Docker Engine, both
// with the very files that a release has. It holds tests only. Where a machine
// lacks what a test needs, the test is skipped and says so.
package install
