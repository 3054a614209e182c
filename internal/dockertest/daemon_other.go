//go:build !linux

package dockertest

import (
	"context"
	"errors"
)

const socketName = "s"

func startDaemon(context.Context) (folder string, end func(), err error) {
	return "", nil, errors.New("an engine can be started only on Linux")
}
