package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
)

// sourcesOf returns the folder that a release is built from: of a repository a copy,
// made in the folder to, of the files that git tracks, so that nothing that only lies
// beside them gets in. What is no repository, such as an unpacked archive of the
// sources, is taken as it is.
func sourcesOf(ctx context.Context, dir, to string) (string, error) {
	switch _, err := os.Lstat(filepath.Join(dir, ".git")); {
	case errors.Is(err, os.ErrNotExist):
		return dir, nil
	case err != nil:
		return "", err
	}
	return to, copySources(ctx, dir, to, "--cached")
}

// copySources copies those files of the repository to a folder that git ls-files
// lists with the flags.
func copySources(ctx context.Context, from, to string, which ...string) error {
	listing := exec.CommandContext(ctx, "git", append([]string{"ls-files", "-z"}, which...)...) //nolint:gosec // G204: our own words
	listing.Dir = from
	var said bytes.Buffer
	listing.Stderr = &said
	names, err := listing.Output()
	if err != nil {
		return fmt.Errorf("list the files of the repository: %w\n%s", err, &said)
	}
	if len(names) == 0 {
		return errors.New("the repository has no files")
	}
	for name := range strings.SplitSeq(strings.TrimRight(string(names), "\x00"), "\x00") {
		if err := copyFile(filepath.Join(from, name), filepath.Join(to, name)); err != nil {
			return fmt.Errorf("copy the sources: %w", err)
		}
	}
	return nil
}

// copyFile copies a regular file, with its mode. One that has been deleted, though
// the repository has it, is passed over.
func copyFile(from, to string) error {
	info, err := os.Lstat(from)
	if errors.Is(err, os.ErrNotExist) {
		return nil
	}
	if err != nil {
		return err
	}
	if !info.Mode().IsRegular() {
		return fmt.Errorf("%s is not a file", from)
	}
	content, err := os.ReadFile(from) //nolint:gosec // G304: a file of the repository
	if err != nil {
		return err
	}
	if err := os.MkdirAll(filepath.Dir(to), 0o700); err != nil {
		return err
	}
	return os.WriteFile(to, content, info.Mode().Perm()) //nolint:gosec // G703: likewise
}
