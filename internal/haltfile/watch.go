package haltfile

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"sync"
	"time"

	"github.com/fsnotify/fsnotify"
)

// lookEvery is how often the file is looked for when nothing is announced:
// network file systems announce nothing, and a folder that is replaced takes the
// watch on it along.
const lookEvery = 30 * time.Second

// wordsWait is how long an empty file is waited for to be written: a shell makes
// a file first and writes its words then.
const wordsWait = 50 * time.Millisecond

// File is a halt file that is watched. Make it with Watch, end it with Close.
type File struct {
	path    string
	changes chan struct{}
	every   time.Duration
	notify  *fsnotify.Watcher // nil: nothing is announced
	blind   error             // why not
	done    chan struct{}
	ended   sync.WaitGroup
}

// Watch begins to watch for a halt file, whose folder must exist.
func Watch(path string) (*File, error) { return watch(path, lookEvery) }

func watch(path string, every time.Duration) (*File, error) {
	path, err := filepath.Abs(path)
	if err != nil {
		return nil, fmt.Errorf("resolve the path of the halt file: %w", err)
	}
	folder, err := os.Stat(filepath.Dir(path))
	if err != nil {
		return nil, fmt.Errorf("the folder of the halt file: %w", err)
	}
	if !folder.IsDir() {
		return nil, fmt.Errorf("the folder of the halt file: %s is not a folder", filepath.Dir(path))
	}
	f := &File{path: path, changes: make(chan struct{}, 1), every: every, done: make(chan struct{})}
	f.listen()
	before := f.look() // what changes from here on is announced
	var (
		events <-chan fsnotify.Event
		errs   <-chan error
	)
	if f.notify != nil {
		events, errs = f.notify.Events, f.notify.Errors
	}
	f.ended.Go(func() { f.watch(before, events, errs) })
	return f, nil
}

// Changes receives when the file may have appeared, changed or gone; changes
// that come while the last one was not yet taken are one. It is never closed.
func (f *File) Changes() <-chan struct{} { return f.changes }

// Polled returns why changes are seen only within 30 seconds; nil when the
// system announces them.
func (f *File) Polled() error { return f.blind }

// Close ends the watching and returns when nothing of it is left. It must be
// called once.
func (f *File) Close() error {
	close(f.done)
	f.ended.Wait()
	if f.notify == nil {
		return nil
	}
	return f.notify.Close()
}

// listen has the system announce what happens in the folder.
func (f *File) listen() {
	notify, err := fsnotify.NewWatcher()
	if err == nil {
		if err = notify.Add(filepath.Dir(f.path)); err == nil {
			f.notify = notify
			return
		}
		err = errors.Join(err, notify.Close())
	}
	f.blind = err
}

// vigil is the watching, in a goroutine of its own.
type vigil struct {
	*File
	last    look
	words   *time.Timer // runs while an empty file is waited for
	waiting bool
}

func (f *File) watch(last look, events <-chan fsnotify.Event, errs <-chan error) {
	v := vigil{File: f, last: last, words: time.NewTimer(wordsWait)}
	v.words.Stop()
	defer v.words.Stop()
	regular := time.NewTicker(f.every)
	defer regular.Stop()
	for {
		select {
		case <-f.done:
			return
		case e := <-events:
			if filepath.Base(e.Name) == filepath.Base(f.path) {
				v.changed()
			}
		case <-v.words.C:
			v.waiting = false
			f.announce()
		case <-errs: //nolint:errcheck // whatever it is, events may have been lost
			v.last = f.look()
			f.announce()
		case <-regular.C:
			v.lookAgain()
		}
	}
}

// changed is called when something about the file was announced.
func (v *vigil) changed() {
	v.last = v.look()
	switch {
	case !v.last.empty():
		v.waiting = false
		v.words.Stop()
		v.announce()
	case !v.waiting:
		v.waiting = true
		v.words.Reset(wordsWait)
	}
}

// lookAgain finds changes that were not announced.
func (v *vigil) lookAgain() {
	if v.notify != nil {
		// The folder may be another one now. When there is none, there is nothing
		// to watch until it comes back.
		_ = v.notify.Add(filepath.Dir(v.path))
	}
	if now := v.look(); !now.same(v.last) {
		v.last = now
		v.announce()
	}
}

func (f *File) announce() {
	select {
	case f.changes <- struct{}{}:
	default: // one is waiting to be taken already
	}
}

// look is what can be seen of the file without reading it.
type look struct {
	there bool
	info  os.FileInfo // nil when nothing more is known
}

func (f *File) look() look {
	info, err := os.Lstat(f.path)
	if err != nil {
		return look{there: isThere(f.path)}
	}
	return look{there: true, info: info}
}

// empty says whether it is a file that may yet be written.
func (l look) empty() bool { return l.info != nil && l.info.Mode().IsRegular() && l.info.Size() == 0 }

func (l look) same(other look) bool {
	if l.there != other.there || (l.info == nil) != (other.info == nil) {
		return false
	}
	return l.info == nil || (os.SameFile(l.info, other.info) &&
		l.info.Size() == other.info.Size() && l.info.ModTime().Equal(other.info.ModTime()))
}
