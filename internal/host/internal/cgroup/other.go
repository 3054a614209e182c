//go:build !linux

package cgroup

import "errors"

var errLinux = errors.New("cgroups are Linux's")

// Find returns an error: there is no cgroup on this system.
func Find() (string, error) { return "", errLinux }

// Tree can't be made on this system.
type Tree struct{}

// Open returns an error.
func Open(string, string) (*Tree, error) { return nil, errLinux }

// Limit returns an error.
func (*Tree) Limit(Limits) error { return errLinux }

// New returns an error.
func (*Tree) New(string) (*Group, error) { return nil, errLinux }

// Active names nothing.
func (*Tree) Active() []string { return nil }

// Close does nothing.
func (*Tree) Close() error { return nil }

// Group can't be made on this system.
type Group struct{}

// FD is none.
func (*Group) FD() int { return -1 }

// Started does nothing.
func (*Group) Started() {}

// End has nothing to remove.
func (*Group) End() (bool, error) { return true, nil }

// Holds says that the process is not in the group.
func (*Group) Holds(int) bool { return false }
