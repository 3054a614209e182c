package main

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"net"
	"os"
	"path/filepath"
	"syscall"
	"time"
)

const (
	// noSocket in place of a path is for no socket.
	noSocket = "none"
	// socketProbe bounds how long a socket that is there is called to see whether
	// anybody answers.
	socketProbe = time.Second
)

// socketListener listens on a unix socket that this user and root can open, and
// nobody else: whoever can is an administrator.
type socketListener struct {
	net.Listener
	path   string
	folder *os.File // kept open where the path is named by it; else nil
}

// listenSocket takes the socket's place; nil when there is to be none. The state
// folder must be locked: a socket in there that nobody answers at is what a
// daemon left that was killed.
func listenSocket(ctx context.Context, path string) (*socketListener, error) {
	if path == noSocket {
		return nil, nil //nolint:nilnil // nobody asked for one
	}
	if err := clearSocket(ctx, path); err != nil {
		return nil, err
	}
	address, folder, err := socketAddress(path)
	if err != nil {
		return nil, fmt.Errorf("listen on the socket %s: %w; take another with --%s", path, err, optSocket)
	}
	l := &socketListener{path: path, folder: folder}
	var lc net.ListenConfig
	ln, err := lc.Listen(ctx, "unix", address)
	if err != nil {
		return nil, errors.Join(fmt.Errorf("listen on the socket %s: %w; take another with --%s", path, err, optSocket), l.closeFolder())
	}
	l.Listener = ln
	if err := os.Chmod(path, 0o600); err != nil {
		return nil, errors.Join(fmt.Errorf("keep others from the socket: %w", err), l.Close())
	}
	return l, nil
}

// checkSocketPlace returns why there can be no socket of that path, and whether
// there is one.
func checkSocketPlace(path string) (there bool, err error) {
	info, err := os.Lstat(path)
	if errors.Is(err, fs.ErrNotExist) {
		if _, err := os.Stat(filepath.Dir(path)); err != nil {
			return false, usagef("--%s: the folder of the socket: %w", optSocket, err)
		}
		return false, nil
	}
	if err != nil {
		return false, fmt.Errorf("look at the socket (--%s): %w", optSocket, err)
	}
	if info.Mode().Type() != fs.ModeSocket {
		return false, usagef("--%s: %s is there and is no socket", optSocket, path)
	}
	return true, nil
}

// clearSocket removes a socket that nobody listens on. Anything else in its place
// stays, and is an error.
func clearSocket(ctx context.Context, path string) error {
	there, err := checkSocketPlace(path)
	if err != nil || !there {
		return err
	}
	address, folder, err := socketAddress(path)
	if err != nil {
		return fmt.Errorf("look at the socket %s: %w", path, err)
	}
	if folder != nil {
		defer folder.Close() //nolint:errcheck // it was only looked through
	}
	ctx, cancel := context.WithTimeout(ctx, socketProbe)
	defer cancel()
	conn, err := new(net.Dialer).DialContext(ctx, "unix", address)
	if err == nil {
		return errors.Join(&exitError{exitInUse, fmt.Errorf("the socket %s belongs to another process that runs: "+
			"stop that one, or take another with --%s", path, optSocket)}, conn.Close())
	}
	if !errors.Is(err, syscall.ECONNREFUSED) && !errors.Is(err, fs.ErrNotExist) { // it may be in use all the same
		return fmt.Errorf("see whether anybody listens on the socket %s: %w; remove it if nobody does, or take another with --%s",
			path, err, optSocket)
	}
	if err := os.Remove(path); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("remove the socket that nobody listens on: %w", err)
	}
	return nil
}

// Close stops listening and removes the socket.
func (l *socketListener) Close() error {
	return errors.Join(l.Listener.Close(), l.closeFolder())
}

func (l *socketListener) closeFolder() error {
	if l.folder == nil {
		return nil
	}
	return l.folder.Close()
}
