package haltfile

import (
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"go.uber.org/goleak"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// patience bounds the wait for an announcement.
const patience = 30 * time.Second

// begin watches for a halt file in a folder of its own.
func begin(t *testing.T, every time.Duration) *File {
	t.Helper()
	f, err := watch(filepath.Join(t.TempDir(), "halt"), every)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := f.Close(); err != nil {
			t.Error(err)
		}
	})
	return f
}

func (f *File) expect(t *testing.T, text string, present bool) {
	t.Helper()
	if got, there := f.Read(); got != text || there != present {
		t.Errorf("read %q, %v; want %q, %v", got, there, text, present)
	}
}

func put(t *testing.T, path, text string) {
	t.Helper()
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
}

func TestWhatTheFileSays(t *testing.T) {
	for _, test := range []struct{ name, text, want string }{
		{"nothing", "", ""},
		{"a line", "the site is down\n", "the site is down"},
		{"no end of line", "the site is down", "the site is down"},
		{"the first of several lines", "one\ntwo\n", "one"},
		{"a line that ends as on Windows", "one\r\ntwo\r\n", "one"},
		{"an empty first line", "\ntwo\n", ""},
		{"what drives a terminal is dropped", "a\x1b[31mb\x00c\td", "a[31mbc d"},
		{"what is no text is dropped", "a\xff\xfeb", "ab"},
		{"only so much", strings.Repeat("a", 5000), strings.Repeat("a", 1024)},
		{"a character is not cut in two", "a" + strings.Repeat("é", 600), "a" + strings.Repeat("é", 511)},
	} {
		t.Run(test.name, func(t *testing.T) {
			f := begin(t, time.Hour)
			put(t, f.Path(), test.text)
			f.expect(t, test.want, true)
		})
	}
}

func TestWhatIsThereIsPresent(t *testing.T) {
	for name, make := range map[string]func(path string) error{
		"a folder":          func(path string) error { return os.Mkdir(path, 0o700) },
		"a link to nowhere": func(path string) error { return os.Symlink(path+".nowhere", path) },
		"a link to itself":  func(path string) error { return os.Symlink(path, path) },
		"a pipe that nobody writes to": func(path string) error {
			return syscall.Mkfifo(path, 0o600)
		},
		"a file that nobody may read": func(path string) error {
			return os.WriteFile(path, nil, 0)
		},
	} {
		t.Run(name, func(t *testing.T) {
			f := begin(t, time.Hour)
			if err := make(f.Path()); err != nil {
				t.Fatal(err)
			}
			f.expect(t, "", true)
		})
	}
}

func TestALinkHaltsAndIsNotFollowed(t *testing.T) {
	f := begin(t, time.Hour)
	target := filepath.Join(t.TempDir(), "why")
	put(t, target, "linked\n")
	if err := os.Symlink(target, f.Path()); err != nil {
		t.Fatal(err)
	}
	f.expect(t, "", true)
}

func TestWhatIsNotThereIsNot(t *testing.T) {
	f := begin(t, time.Hour)
	f.expect(t, "", false)
	folder := filepath.Dir(f.Path())
	if err := os.Remove(folder); err != nil {
		t.Fatal(err)
	}
	f.expect(t, "", false)
	put(t, folder, "a file where the folder was")
	f.expect(t, "", false)
}

func TestWrite(t *testing.T) {
	f := begin(t, time.Hour)
	if err := f.Write("why"); err != nil {
		t.Fatal(err)
	}
	f.expect(t, "why", true)
	info, err := os.Stat(f.Path())
	if err != nil {
		t.Fatal(err)
	}
	if info.Mode() != 0o600 {
		t.Errorf("its mode is %v", info.Mode())
	}
	if err := f.Write("another reason"); err != nil {
		t.Fatal(err)
	}
	f.expect(t, "why", true)
}

func TestWriteLeavesWhatIsThere(t *testing.T) {
	f := begin(t, time.Hour)
	if err := os.Symlink(f.Path()+".nowhere", f.Path()); err != nil {
		t.Fatal(err)
	}
	if err := f.Write("why"); err != nil {
		t.Error(err)
	}
	if _, err := os.Stat(f.Path() + ".nowhere"); !os.IsNotExist(err) {
		t.Errorf("it wrote through the link: %v", err)
	}
}

func TestWriteWithoutAFolderFails(t *testing.T) {
	f := begin(t, time.Hour)
	if err := os.Remove(filepath.Dir(f.Path())); err != nil {
		t.Fatal(err)
	}
	if err := f.Write("why"); err == nil {
		t.Error("it says that the file is there")
	}
}
