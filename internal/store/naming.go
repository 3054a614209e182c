package store

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"syscall"
)

// How complete files get their names. Each step leaves one whole file under a
// store's name, whenever the machine dies.

// resolve follows the links of a path, also to where no file is yet, so that what
// takes a file's place does not take that of a link to it, and what is made beside it
// is.
func resolve(path string) string {
	const maxLinks = 40 // path_resolution(7)
	at := path
	for range maxLinks {
		if resolved, err := filepath.EvalSymlinks(at); err == nil {
			return resolved
		}
		target, err := os.Readlink(at)
		if err != nil {
			return at // there is none yet
		}
		if !filepath.IsAbs(target) {
			target = filepath.Join(resolve(filepath.Dir(at)), target)
		}
		at = target
	}
	return path
}

// giveName gives a complete file a name that no other file has: fs.ErrExist if one
// does. After an error it does not have it.
func giveName(file *os.File, path string) error {
	if err := file.Sync(); err != nil {
		return err
	}
	err := os.Link(file.Name(), path)
	switch {
	case withoutLinks(err):
		if err := renameAnew(file.Name(), path); err != nil {
			return err
		}
	case err != nil:
		return err
	default:
		err = os.Remove(file.Name())
	}
	if err = errors.Join(err, syncFolder(filepath.Dir(path))); err != nil {
		return errors.Join(err, os.Remove(path))
	}
	return nil
}

// withoutLinks says whether a link could not be made because none can be.
func withoutLinks(err error) bool {
	return errors.Is(err, syscall.EPERM) || errors.Is(err, errors.ErrUnsupported)
}

// renameAfterLook is renameAnew where nothing better can be had.
func renameAfterLook(from, to string) error {
	if _, err := os.Lstat(to); err == nil {
		return &os.LinkError{Op: "rename", Old: from, New: to, Err: fs.ErrExist}
	}
	return os.Rename(from, to)
}

// takePlace gives a complete file another one's name. taken says whether it has
// it, also when an error says that this may not be durable; the file is gone if it
// has not.
func takePlace(file *os.File, path string) (taken bool, err error) {
	err = errors.Join(file.Sync(), file.Close())
	if err == nil {
		err = os.Rename(file.Name(), path)
	}
	if err != nil {
		return false, errors.Join(err, os.Remove(file.Name()))
	}
	if err := syncFolder(filepath.Dir(path)); err != nil {
		return true, fmt.Errorf("the new file is in its place, and may not be there any more after a power loss: %w", err)
	}
	return true, nil
}

// keep gives a file that something is to take the place of a second name, durably,
// or has it copied to a file of that name where links can't be made.
func keep(ctx context.Context, old *os.File, path, kept string, progress Progress) error {
	err := os.Link(path, kept)
	if withoutLinks(err) {
		err = copyAside(ctx, old, kept, progress)
	}
	if err != nil {
		return err
	}
	if err := syncFolder(filepath.Dir(kept)); err != nil {
		return errors.Join(err, os.Remove(kept))
	}
	return nil
}

// copyAside copies a file to a new one with the same owner.
func copyAside(ctx context.Context, old *os.File, path string, progress Progress) error {
	info, err := old.Stat()
	if err != nil {
		return err
	}
	file, err := os.OpenFile(path, os.O_RDWR|os.O_CREATE|os.O_EXCL, 0o600) //nolint:gosec // beside the store
	if err != nil {
		return err
	}
	progress.tell("keeping the old file")
	err = copyFile(ctx, file, io.NewSectionReader(old, 0, info.Size()), info.Size(), progress)
	if err == nil {
		err = ownAs(file, old.Name())
	}
	if err = errors.Join(err, file.Close()); err != nil {
		return errors.Join(err, os.Remove(path))
	}
	return nil
}

// ownAs gives a new file to whoever owns what it takes the place of, or else the
// folder: who runs this as root must not lock the daemon's user out.
func ownAs(file *os.File, path string) error {
	info, err := os.Stat(path)
	if errors.Is(err, fs.ErrNotExist) {
		info, err = os.Stat(filepath.Dir(path))
	}
	if err != nil {
		return err
	}
	owner, ok := info.Sys().(*syscall.Stat_t)
	if !ok || os.Geteuid() != 0 {
		return nil
	}
	return file.Chown(int(owner.Uid), int(owner.Gid))
}

// syncFolder makes a new file's name as durable as its content.
func syncFolder(path string) error {
	folder, err := os.Open(path) //nolint:gosec // the operator's own choice
	if err != nil {
		return err
	}
	return errors.Join(folder.Sync(), folder.Close())
}
