package haltfile

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"unicode"
)

// maxText bounds what is read of the file, in bytes.
const maxText = 1 << 10

// Path is where the file is looked for, from the root.
func (f *File) Path() string { return f.path }

// Read returns the first line of the file, at most 1 KiB of it and without what
// would drive a terminal. A file that is there and can't be read is present.
func (f *File) Read() (text string, present bool) {
	if !isThere(f.path) {
		return "", false
	}
	text, err := firstLine(f.path)
	if err != nil {
		return "", true // its words are lost; that it is there is not
	}
	return text, true
}

// isThere says whether there is anything of that name. When that can't be found
// out, there is: a halt must not be overlooked.
func isThere(path string) bool {
	_, err := os.Lstat(path)
	return err == nil || (!errors.Is(err, fs.ErrNotExist) && !errors.Is(err, syscall.ENOTDIR))
}

func firstLine(path string) (string, error) {
	// A pipe without a writer would block; a link may lead to what is not to be
	// shown.
	file, err := os.OpenFile(path, os.O_RDONLY|syscall.O_NONBLOCK|syscall.O_NOFOLLOW, 0) //nolint:gosec // the operator's own choice
	if err != nil {
		return "", err
	}
	defer file.Close() //nolint:errcheck // it was only read
	if info, err := file.Stat(); err != nil || !info.Mode().IsRegular() {
		return "", errors.Join(err, errors.New("not a file with words in it"))
	}
	start, err := io.ReadAll(io.LimitReader(file, maxText))
	if err != nil {
		return "", err
	}
	line, _, _ := strings.Cut(string(start), "\n")
	return strings.TrimSpace(strings.Map(shown, strings.ToValidUTF8(line, ""))), nil
}

// shown drops what a terminal would act on.
func shown(r rune) rune {
	switch {
	case r == '\t':
		return ' '
	case unicode.IsPrint(r):
		return r
	}
	return -1
}

// Write makes the file, durably, unless it is there. The text is its reason.
//
// It is made in place, not moved there when complete: this is called when the
// store can't be written, perhaps on a disk that is full, where a name may still
// find room and its text not. The name is what halts.
func (f *File) Write(text string) error {
	file, err := os.OpenFile(f.path, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	if errors.Is(err, fs.ErrExist) {
		return nil
	}
	if err != nil {
		return fmt.Errorf("make the halt file: %w", err)
	}
	_, textErr := file.WriteString(text + "\n")
	if err := errors.Join(file.Sync(), file.Close(), syncFolder(filepath.Dir(f.path))); err != nil {
		return fmt.Errorf("make the halt file durable: %w", errors.Join(textErr, err))
	}
	return nil
}

// syncFolder makes the names in a folder durable.
func syncFolder(path string) error {
	folder, err := os.Open(path) //nolint:gosec // the folder of the halt file
	if err != nil {
		return err
	}
	return errors.Join(folder.Sync(), folder.Close())
}
