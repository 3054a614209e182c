//go:build !linux

package store

// renameAnew renames a file unless there is one of the new name.
func renameAnew(from, to string) error { return renameAfterLook(from, to) }
