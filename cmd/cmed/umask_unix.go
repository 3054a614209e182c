//go:build unix

package main

import "syscall"

// setUmask keeps what cmed and its plugins create from other users.
func setUmask() { syscall.Umask(0o077) }
