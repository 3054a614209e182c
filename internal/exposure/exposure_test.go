package exposure

import (
	"fmt"
	"os"
	"path/filepath"
	"testing"
	"time"
)

// theirs is a user and group that are not root's.
const theirs = 12345

// world is a folder of root's with files in it, which is named by its path.
func world(t *testing.T, files ...string) string {
	t.Helper()
	if os.Geteuid() != 0 {
		t.Skip("needs root: run the tests with sudo")
	}
	top := t.TempDir()
	for _, name := range files {
		file := filepath.Join(top, name)
		if err := os.MkdirAll(filepath.Dir(file), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(file, nil, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	return top
}

func change(t *testing.T, path string, mode os.FileMode, uid, gid int) {
	t.Helper()
	if err := os.Lchown(path, uid, gid); err != nil {
		t.Fatal(err)
	}
	if err := os.Chmod(path, mode); err != nil {
		t.Fatal(err)
	}
}

func symlink(t *testing.T, to, at string) {
	t.Helper()
	if err := os.Symlink(to, at); err != nil {
		t.Fatal(err)
	}
}

// said is an exposure in words, "" for none.
func said(e *Exposure) string {
	if e == nil {
		return ""
	}
	return e.String()
}

func TestWhatOthersCanWrite(t *testing.T) {
	for _, test := range []struct {
		name     string
		at       string // what is changed: the file, its folder, or the one above
		mode     os.FileMode
		uid, gid int
		want     string // what is said behind the path; "": nothing
	}{
		{"a file of root's alone", "above/folder/file", 0o755, 0, 0, ""},
		{"a file that root's group can write", "above/folder/file", 0o775, 0, 0, ""},
		{"a file of another group that it can't write", "above/folder/file", 0o755, 0, theirs, ""},
		{"a file that all can write", "above/folder/file", 0o757, 0, 0, " (mode 0757, owner 0:0)"},
		{"a file that another group can write", "above/folder/file", 0o775, 0, theirs, " (mode 0775, owner 0:12345)"},
		{"another's file", "above/folder/file", 0o755, theirs, 0, " (mode 0755, owner 12345:0)"},
		{"a folder that all can write", "above/folder", 0o777, 0, 0, " (mode 0777, owner 0:0)"},
		{"a folder that all can add to", "above/folder", os.ModeSticky | 0o777, 0, 0, " (mode 0777, owner 0:0)"},
		{"a folder that another group can write", "above/folder", 0o775, 0, theirs, " (mode 0775, owner 0:12345)"},
		{"another's folder", "above/folder", 0o755, theirs, 0, " (mode 0755, owner 12345:0)"},
		{"below a folder that all can write", "above", 0o777, 0, 0, " (mode 0777, owner 0:0)"},
		{"below a folder that all can only add to", "above", os.ModeSticky | 0o777, 0, 0, ""},
		{"below another's folder", "above", 0o755, theirs, 0, " (mode 0755, owner 12345:0)"},
		{"below another's folder that all can only add to", "above", os.ModeSticky | 0o777, theirs, 0, " (mode 0777, owner 12345:0)"},
	} {
		t.Run(test.name, func(t *testing.T) {
			top := world(t, "above/folder/file")
			folder, path := filepath.Join(top, "above/folder"), filepath.Join(top, test.at)
			change(t, path, test.mode, test.uid, test.gid)
			want := test.want
			if want != "" {
				want = path + want
			}
			// A host judges the folder, and then each file in it.
			e := Way(folder)
			if e == nil {
				e = File(filepath.Join(folder, "file"))
			}
			if got := said(e); got != want {
				t.Errorf("exposed is %q, want %q", got, want)
			}
			if got := said(Tree(folder)); got != want {
				t.Errorf("in the tree, exposed is %q, want %q", got, want)
			}
		})
	}
}

// A link in another's folder decides what root executes, and so does one in a
// folder of root's that leads there.
func TestALinkIsJudgedByWhereItIsAndWhereItLeads(t *testing.T) {
	const open = " (mode 0777, owner 0:0)"
	for _, test := range []struct {
		name   string
		at, to string // the link, beside mine/file, good/file and open/file
		ask    string
		judge  func(string) *Exposure
		want   string
	}{
		{"a file, to a good one", "mine/hop", "../good/file", "mine/hop", File, ""},
		{"a file, to an open folder", "mine/hop", "../open/file", "mine/hop", File, "open"},
		{"a file, from an open folder", "open/hop", "../good/file", "open/hop", Way, "open"},
		{"a folder, from an open folder", "open/hop", "../good", "open/hop/file", Way, "open"},
		{"a folder, to an open one", "mine/hop", "../open", "mine/hop/file", Way, "open"},
		{"a folder in a tree, to a good one", "mine/hop", "../good", "mine", Tree, ""},
		{"a folder in a tree, to an open one", "mine/hop", "../open", "mine", Tree, "open"},
		{"a file in a tree, to an open folder", "mine/hop", "../open/file", "mine", Tree, "open"},
		{"a link within a tree", "mine/hop", "file", "mine", Tree, ""},
		{"a link to itself", "mine/hop", "hop", "mine", Tree, ""},
		{"a link to the folder it is in", "mine/hop", ".", "mine", Tree, ""},
		{"a link to nowhere", "mine/hop", "../gone", "mine/hop", File, ""},
	} {
		t.Run(test.name, func(t *testing.T) {
			top := world(t, "mine/file", "good/file", "open/file")
			symlink(t, test.to, filepath.Join(top, test.at))
			change(t, filepath.Join(top, "open"), 0o777, 0, 0)
			want := test.want
			if want != "" {
				want = filepath.Join(top, want) + open
			}
			if got := said(test.judge(filepath.Join(top, test.ask))); got != want {
				t.Errorf("exposed is %q, want %q", got, want)
			}
		})
	}
}

// A link may lead over a link in a folder of somebody else's.
func TestEachHopIsJudged(t *testing.T) {
	top := world(t, "mine/file", "good/file", "theirs/file")
	symlink(t, filepath.Join(top, "good/file"), filepath.Join(top, "theirs/hop"))
	symlink(t, filepath.Join(top, "theirs/hop"), filepath.Join(top, "mine/hop"))
	change(t, filepath.Join(top, "theirs"), 0o755, theirs, theirs)
	for name, judge := range map[string]func(string) *Exposure{"file": File, "way": Way} {
		if e := judge(filepath.Join(top, "mine/hop")); e == nil || e.Path != filepath.Join(top, "theirs") {
			t.Errorf("%s: exposed is %q", name, said(e))
		}
	}
}

// TestALoopOfLinksIsWalkedOnce: what leads there by any way is the same.
func TestALoopOfLinksIsWalkedOnce(t *testing.T) {
	top := world(t, "mine/file", "other/file")
	for n := range 4 {
		symlink(t, "../other", fmt.Sprintf("%s/mine/hop%d", top, n))
		symlink(t, "../mine", fmt.Sprintf("%s/other/back%d", top, n))
	}
	judged := make(chan string, 1)
	go func() { judged <- said(Tree(filepath.Join(top, "mine"))) }()
	select {
	case got := <-judged:
		if got != "" {
			t.Errorf("exposed is %q", got)
		}
	case <-time.After(30 * time.Second):
		t.Error("it does not come to an end")
	}
}

func TestRemedies(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		e    Exposure
		all  bool
		want string
	}{
		{Exposure{Path: "/a/b"}, false, "chmod go-w '/a/b'"},
		{Exposure{Path: "/a/b"}, true, "chmod -R go-w '/a/b'"},
		{Exposure{Path: "/a/b", UID: theirs}, false, "chown root:root '/a/b' && chmod go-w '/a/b'"},
		{Exposure{Path: "/a/b", UID: theirs}, true, "chown -R root:root '/a/b' && chmod -R go-w '/a/b'"},
		{Exposure{Path: "/a/'; reboot; '"}, false, `chmod go-w '/a/'\''; reboot; '\'''`},
	} {
		if got := test.e.Remedy(test.all); got != test.want {
			t.Errorf("the remedy is %s, want %s", got, test.want)
		}
	}
}
