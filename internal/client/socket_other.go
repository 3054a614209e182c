//go:build !linux

package client

import "fmt"

// shortened is not possible here.
func shortened(path string) (string, func(), error) {
	return "", nil, fmt.Errorf("the path of the socket is longer than this system allows: %s", path)
}
