package haltfile

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/fsnotify/fsnotify"
)

// await waits for an announcement after which the file is there, or not.
func (f *File) await(t *testing.T, present bool) {
	t.Helper()
	limit := time.After(patience)
	for {
		select {
		case <-f.Changes():
			if _, there := f.Read(); there == present {
				return
			}
		case <-limit:
			t.Fatalf("nothing was announced after which its presence is %v", present)
		}
	}
}

// whether the system announces changes or they are found by looking.
var ways = map[string]func(*testing.T) *File{
	"announced": func(t *testing.T) *File {
		f := begin(t, time.Hour)
		if err := f.Polled(); err != nil {
			t.Skipf("this system announces nothing: %v", err)
		}
		return f
	},
	"found": func(t *testing.T) *File {
		f := begin(t, time.Hour)
		if err := f.Close(); err != nil {
			t.Fatal(err)
		}
		f.notify, f.every, f.done = nil, 10*time.Millisecond, make(chan struct{})
		before := f.look()
		f.ended.Go(func() { f.watch(before, nil, nil) })
		return f
	},
}

func TestChangesAreSeen(t *testing.T) {
	for name, begin := range ways {
		t.Run(name, func(t *testing.T) {
			f := begin(t)
			put(t, f.Path(), "why")
			f.await(t, true)
			if err := os.Remove(f.Path()); err != nil {
				t.Fatal(err)
			}
			f.await(t, false)
			elsewhere := filepath.Join(t.TempDir(), "halt")
			put(t, elsewhere, "moved here")
			if err := os.Rename(elsewhere, f.Path()); err != nil {
				t.Fatal(err)
			}
			f.await(t, true)
			f.expect(t, "moved here", true)
			put(t, f.Path(), "said something else")
			f.await(t, true)
		})
	}
}

func TestAFolderThatIsReplacedIsWatchedAgain(t *testing.T) {
	f := begin(t, 10*time.Millisecond)
	folder := filepath.Dir(f.Path())
	if err := os.Rename(folder, folder+".old"); err != nil {
		t.Fatal(err)
	}
	if err := os.Mkdir(folder, 0o700); err != nil {
		t.Fatal(err)
	}
	put(t, f.Path(), "")
	f.await(t, true)
}

// scripted is a file of which the test announces what happens.
func scripted(t *testing.T) (f *File, happens func(name string)) {
	t.Helper()
	f = begin(t, time.Hour)
	if err := f.Close(); err != nil {
		t.Fatal(err)
	}
	events := make(chan fsnotify.Event)
	f.notify, f.done = nil, make(chan struct{})
	f.ended.Go(func() { f.watch(look{}, events, nil) })
	return f, func(name string) {
		events <- fsnotify.Event{Name: name, Op: fsnotify.Write}
		events <- fsnotify.Event{Name: "/another", Op: fsnotify.Write} // taken when the first has been dealt with
	}
}

func TestWordsAreWaitedFor(t *testing.T) {
	f, happens := scripted(t)
	put(t, f.Path(), "")
	happens(f.Path())
	if len(f.changes) != 0 {
		t.Error("the file was announced before it was written")
	}
	put(t, f.Path(), "why")
	happens(f.Path())
	if len(f.changes) != 1 {
		t.Error("the file was not announced when it was written")
	}
}

func TestAFileWithoutWordsIsAnnounced(t *testing.T) {
	f, happens := scripted(t)
	put(t, f.Path(), "")
	happens(f.Path())
	f.await(t, true)
}

func TestWhatIsNotTheFileIsNotAnnounced(t *testing.T) {
	f, happens := scripted(t)
	happens(f.Path() + "2")
	if len(f.changes) != 0 {
		t.Error("another file was announced")
	}
	happens(f.Path())
	if len(f.changes) != 1 {
		t.Error("the file was not announced")
	}
}

func TestTheFolderMustBeThere(t *testing.T) {
	dir := t.TempDir()
	file := filepath.Join(dir, "file")
	put(t, file, "")
	for path, want := range map[string]string{
		filepath.Join(dir, "none", "halt"): "the folder of the halt file: stat " + filepath.Join(dir, "none") + ": no such file or directory",
		filepath.Join(file, "halt"):        "the folder of the halt file: " + file + " is not a folder",
	} {
		if _, err := Watch(path); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("got  %v\nwant %s", err, want)
		}
	}
}

func TestThePathStartsAtTheRoot(t *testing.T) {
	t.Chdir(t.TempDir())
	f, err := Watch("halt")
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	if !filepath.IsAbs(f.Path()) || filepath.Base(f.Path()) != "halt" {
		t.Errorf("it is %s", f.Path())
	}
}
