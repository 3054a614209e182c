package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
)

// checkTwice copies the sources to two places, whose names differ in length, makes
// the archives in each by the program that is there, and fails unless they are the
// same bytes. Files that git has not been told of yet are copied too, for whoever
// checks before committing. With -cold the second one builds without Go's cache.
func checkTwice(ctx context.Context, o order, stdout io.Writer) (err error) {
	stage, err := os.MkdirTemp("", "cmed-release-check-*")
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, os.RemoveAll(stage)) }()
	first, second := filepath.Join(stage, "a"), filepath.Join(stage, "another", "place")
	if err := copySources(ctx, ".", first, "--cached", "--others", "--exclude-standard"); err != nil {
		return err
	}
	if err := os.CopyFS(second, os.DirFS(first)); err != nil {
		return fmt.Errorf("copy the sources: %w", err)
	}
	for _, place := range []string{first, second} {
		var cache []string
		if o.cold && place == second {
			cache = []string{"GOCACHE=" + filepath.Join(stage, "cache")}
		}
		if err := makeArchivesIn(ctx, place, o, cache); err != nil {
			return err
		}
	}
	return compareFolders(filepath.Join(first, "dist"), filepath.Join(second, "dist"), stdout)
}

// makeArchivesIn runs the release program of another copy of the sources there.
func makeArchivesIn(ctx context.Context, dir string, o order, env []string) error {
	args := append([]string{"run", "-buildvcs=false", "./internal/release", "archives", "-out", "dist", "-platforms", o.platforms.String()},
		o.stamp.arguments()...)
	cmd := exec.CommandContext(ctx, "go", args...) //nolint:gosec // G204: our own words
	cmd.Dir, cmd.Env = dir, append(os.Environ(), env...)
	if said, err := cmd.CombinedOutput(); err != nil {
		return fmt.Errorf("make the archives in %s: %w\n%s", dir, err, said)
	}
	return nil
}

// errDiffer is returned when two builds are not the same bytes.
var errDiffer = errors.New("two builds of the same sources differ")

// compareFolders fails with errDiffer unless both hold the same files.
func compareFolders(a, b string, stdout io.Writer) error {
	names, err := namesIn(a)
	if err != nil {
		return err
	}
	others, err := namesIn(b)
	if err != nil {
		return err
	}
	if len(names) == 0 || strings.Join(names, "/") != strings.Join(others, "/") {
		return fmt.Errorf("%w: one made %v, the other %v", errDiffer, names, others)
	}
	for _, name := range names {
		one, err := os.ReadFile(filepath.Join(a, name)) //nolint:gosec // G304: just made
		if err != nil {
			return err
		}
		other, err := os.ReadFile(filepath.Join(b, name)) //nolint:gosec // G304: just made
		if err != nil {
			return err
		}
		if !bytes.Equal(one, other) {
			return fmt.Errorf("%w: %s", errDiffer, name)
		}
		fmt.Fprintf(stdout, "%s: the same bytes twice\n", name)
	}
	return nil
}

func namesIn(dir string) ([]string, error) {
	entries, err := os.ReadDir(dir)
	if err != nil {
		return nil, err
	}
	names := make([]string, len(entries))
	for i, e := range entries {
		names[i] = e.Name()
	}
	return names, nil
}
