//go:build unix && !linux

package host

import (
	"errors"
	"os"
)

// canChangeUser: a copy that the user can't reach can't be executed here.
func canChangeUser() bool { return false }

func openPath(string) (*os.File, error) {
	return nil, errors.New("plugins can't run as other users here")
}

// isolationOf names what confines a child; it can't be read back.
func (h *Host) isolationOf(*child, string, cage) []string {
	return []string{"process_group", "private_folder"}
}
