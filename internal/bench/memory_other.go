//go:build !linux

package main

import "errors"

// anonymousMemory is known on Linux only.
func anonymousMemory(int) (int64, error) {
	return 0, errors.New("anonymous memory can be measured on Linux only")
}
