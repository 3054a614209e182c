package main

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"

	"golang.org/x/sys/unix"
)

// maxSocketPath is the longest path of a socket, in bytes: what sun_path of
// unix(7) holds, but for the final zero.
const maxSocketPath = 107

// socketAddress is how to name a socket to the kernel. One whose path is too long
// is named by a descriptor of its folder, which must stay open as long as the name
// is used.
func socketAddress(path string) (address string, folder *os.File, err error) {
	if len(path) <= maxSocketPath {
		return path, nil, nil
	}
	folder, err = os.OpenFile(filepath.Dir(path), unix.O_PATH|unix.O_DIRECTORY, 0)
	if err != nil {
		return "", nil, fmt.Errorf("open the socket's folder: %w", err)
	}
	address = fmt.Sprintf("/proc/self/fd/%d/%s", folder.Fd(), filepath.Base(path))
	if len(address) > maxSocketPath {
		return "", nil, errors.Join(errors.New("its name is too long for one"), folder.Close())
	}
	return address, folder, nil
}
