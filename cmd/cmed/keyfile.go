package main

import (
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"
	"syscall"
	"time"
	"unicode"
)

const (
	// maxKey bounds a key, in bytes.
	maxKey = 4096
	// maxRoots bounds a file of authorities, in bytes: the whole of Mozilla's has
	// a quarter of a megabyte.
	maxRoots = 4 << 20
	// keyWait bounds how long who writes a key to a pipe is waited for.
	keyWait = 10 * time.Second
)

// readRoots reads the authorities of a file; nil without one.
func readRoots(path string) (*x509.CertPool, error) {
	if path == "" {
		return nil, nil //nolint:nilnil // the system's
	}
	text, err := readSmall(path, maxRoots)
	if err != nil {
		return nil, usagef("--ca-file: %w", err)
	}
	roots := x509.NewCertPool()
	if !roots.AppendCertsFromPEM(text) {
		return nil, usagef("--ca-file: there is no certificate in %s; it must be PEM", path)
	}
	return roots, nil
}

// readKey reads a key out of a file that holds nothing else. A pipe, such as that of
// <(pass show cmed), is waited for, unless nobody should be kept waiting.
func (w *where) readKey(path string) (string, error) {
	info, err := os.Stat(path)
	if err != nil {
		return "", fmt.Errorf("read the key: %w", err)
	}
	switch {
	case info.IsDir():
		return "", fmt.Errorf("%s is a folder, not a file with a key", path)
	case w.atOnce && !isPlain(path):
		return "", fmt.Errorf("%s is no plain file", path)
	}
	text, err := readSmall(path, maxKey)
	if err != nil {
		return "", fmt.Errorf("read the key: %w", err)
	}
	return checkKey(string(text))
}

// isPlain says whether a file can be read without waiting for anybody.
func isPlain(path string) bool {
	info, err := os.Stat(path)
	return err == nil && info.Mode().IsRegular()
}

// readSmall reads a file that has at most so many bytes. It waits for no writer of a
// pipe to come, and not for ever for one that is there.
func readSmall(path string, most int64) ([]byte, error) {
	file, err := os.OpenFile(path, os.O_RDONLY|syscall.O_NONBLOCK, 0) //nolint:gosec // the caller's own choice
	if err != nil {
		return nil, err
	}
	defer file.Close()                                //nolint:errcheck // it is only read
	_ = file.SetReadDeadline(time.Now().Add(keyWait)) // plain files have none, and need none
	text, err := io.ReadAll(io.LimitReader(file, most+1))
	if err != nil {
		return nil, err
	}
	if int64(len(text)) > most {
		return nil, fmt.Errorf("%s has more than %d bytes", path, most)
	}
	return text, nil
}

// checkKey refuses what can't be a key, without repeating it.
func checkKey(text string) (string, error) {
	key := strings.TrimSpace(text)
	odd := func(r rune) bool { return r > unicode.MaxASCII || r <= ' ' || r == 0x7f }
	if !strings.HasPrefix(key, "cmed_") || len(key) > maxKey || strings.ContainsFunc(key, odd) {
		return "", errors.New("that is no key: it is one word that begins with cmed_")
	}
	return key, nil
}
