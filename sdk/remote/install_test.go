package remote_test

import (
	"bytes"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"github.com/chaos-monkey-engine/cmed/internal/sshtest"
	"github.com/chaos-monkey-engine/cmed/sdk/remote"
)

func TestFoldersAreMadeAndRemoved(t *testing.T) {
	onEach(t, func(t *testing.T, a sshtest.Access) {
		c := dial(t, a)
		j := jobOf(a, "echo it runs\n")
		j.Path = a.Home + "/a b/$(c)/'d'/sc ript"
		check(t, c.Install(t.Context(), j))
		check(t, c.Install(t.Context(), j))
		info, err := os.Stat(j.Path)
		check(t, err)
		if info.Mode() != 0o700 {
			t.Errorf("the mode is %v", info.Mode())
		}
		r := run(t.Context(), c, j)
		check(t, r.err)
		if r.stdout != "it runs\n" {
			t.Errorf("said %q", r.stdout)
		}
		uninstalls(t, c, j, remote.Removed)
		uninstalls(t, c, j, remote.Gone)
		isEmpty(t, a.Home)
	})
}

func uninstalls(t *testing.T, c *remote.Client, j remote.Job, want remote.Removal) {
	t.Helper()
	got, err := c.Uninstall(t.Context(), j)
	check(t, err)
	if got != want {
		t.Errorf("Uninstall found it %s, want %s", got, want)
	}
}

// isEmpty fails the test if anything but the shell's own is in the folder.
func isEmpty(t *testing.T, folder string) {
	t.Helper()
	entries, err := os.ReadDir(folder)
	check(t, err)
	for _, e := range entries {
		t.Errorf("%s is left", filepath.Join(folder, e.Name()))
	}
}

func TestFoldersThatAreInUseStay(t *testing.T) {
	a := sshtest.Start(t, sshtest.Options{}).Access
	c := dial(t, a)
	j := jobOf(a, "")
	j.Path = a.Home + "/one/two/three/script"
	check(t, c.Install(t.Context(), j))
	check(t, os.WriteFile(a.Home+"/one/two/other", nil, 0o600))
	uninstalls(t, c, j, remote.Removed)
	if _, err := os.Stat(a.Home + "/one/two/three"); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("the deepest folder: %v", err)
	}
	_, err := os.Stat(a.Home + "/one/two/other")
	check(t, err)
}

func TestWithoutSFTPCatDoes(t *testing.T) {
	script := "#!/bin/sh\nexit 0\n" + strings.Repeat("# \x00\xff'\n", 20000)
	own := sshtest.Start(t, sshtest.Options{NoSFTP: true, Banner: "welcome\n"}).Access
	for name, a := range map[string]sshtest.Access{"own": own, "openssh": sshtest.StartOpenSSH(t, sshtest.OpenSSHOptions{NoSFTP: true}).Access} {
		t.Run(name, func(t *testing.T) {
			c := dial(t, a)
			j := jobOf(a, "")
			j.Script = []byte(script)
			check(t, c.Install(t.Context(), j))
			got, err := os.ReadFile(j.Path)
			check(t, err)
			if !bytes.Equal(got, j.Script) {
				t.Error("the script is another one")
			}
			uninstalls(t, c, j, remote.Removed)
		})
	}
}

func TestAnSFTPOfAnotherTreeIsNotUsed(t *testing.T) {
	a := sshtest.StartOpenSSH(t, sshtest.OpenSSHOptions{NoSFTP: true, Lines: []string{
		// It reads what it is sent and says something that isn't SFTP.
		"Subsystem sftp /bin/echo This account has no SFTP; head -c 1",
	}}).Access
	c := dial(t, a)
	j := jobOf(a, "echo it runs\n")
	check(t, c.Install(t.Context(), j))
	if r := run(t.Context(), c, j); r.stdout != "it runs\n" {
		t.Errorf("%+v", r)
	}
}

func TestSomethingElseAtThePathIsLeftAlone(t *testing.T) {
	a := sshtest.Start(t, sshtest.Options{}).Access
	c := dial(t, a)
	for name, occupy := range map[string]func(j remote.Job) error{
		"another file":             func(j remote.Job) error { return os.WriteFile(j.Path, []byte("#!/bin/sh\ntrue\n"), 0o600) },
		"another of the same size": func(j remote.Job) error { return os.WriteFile(j.Path, bytes.ToUpper(j.Script), 0o600) },
		"a folder":                 func(j remote.Job) error { return os.Mkdir(j.Path, 0o700) },
		"a link":                   func(j remote.Job) error { return os.Symlink("/etc/passwd", j.Path) },
		"a link to nothing":        func(j remote.Job) error { return os.Symlink(j.Path+"-nothing", j.Path) },
		"the same, open for everyone": func(j remote.Job) error {
			return errors.Join(os.WriteFile(j.Path, j.Script, 0o600), os.Chmod(j.Path, 0o777))
		},
	} {
		t.Run(name, func(t *testing.T) {
			j := jobOf(a, "exit 0\n")
			j.Path = t.TempDir() + "/script"
			check(t, occupy(j))
			before, err := os.Lstat(j.Path)
			check(t, err)
			err = c.Install(t.Context(), j)
			if !errors.Is(err, remote.ErrOccupied) {
				t.Fatalf("Install: %v", err)
			}
			contains(t, err.Error(), j.Path)
			uninstalls(t, c, j, remote.Changed)
			after, err := os.Lstat(j.Path)
			check(t, err)
			if before.Mode() != after.Mode() || before.ModTime() != after.ModTime() || before.Size() != after.Size() {
				t.Errorf("it was %v, and is %v", before, after)
			}
		})
	}
}

func TestTheSameScriptThatWasThereBeforeStays(t *testing.T) {
	a := sshtest.Start(t, sshtest.Options{}).Access
	c := dial(t, a)
	j := jobOf(a, "echo it runs\n")
	check(t, os.WriteFile(j.Path, j.Script, 0o755))
	check(t, c.Install(t.Context(), j))
	if r := run(t.Context(), c, j); r.stdout != "it runs\n" {
		t.Errorf("%+v", r)
	}
	uninstalls(t, c, j, remote.Kept)
	_, err := os.Stat(j.Path)
	check(t, err)
}

func TestAScriptThatWasChangedSinceStays(t *testing.T) {
	a := sshtest.Start(t, sshtest.Options{}).Access
	c := dial(t, a)
	j := installed(t, c, a, "exit 0\n")
	check(t, os.WriteFile(j.Path, []byte("#!/bin/sh\nexit 1\n"), 0o700))
	uninstalls(t, c, j, remote.Changed)
	got, err := os.ReadFile(j.Path)
	check(t, err)
	contains(t, string(got), "exit 1")
}

func TestPathsAndKeysThatMeanSomethingElseAreRefused(t *testing.T) {
	a := sshtest.Start(t, sshtest.Options{}).Access
	c := dial(t, a)
	before := a.Home
	for _, path := range []string{"", "script", "./script", "/", "/a/../b", "/a//b", "/a/", "/a\nb", "/a\x00b", "/a\x1bb", "/\xff", "/a\u0085b"} {
		j := jobOf(a, "")
		j.Path = path
		if err := c.Install(t.Context(), j); err == nil {
			t.Errorf("the path %q is taken", path)
		}
	}
	for _, key := range []string{"", ".", "..", "-x", "a/b", "a b", "a\n", "é", "$(id)", strings.Repeat("x", 129)} {
		j := jobOf(a, "")
		j.Key = key
		if err := c.Install(t.Context(), j); err == nil {
			t.Errorf("the key %q is taken", key)
		}
		if _, err := c.End(t.Context(), j, 0); err == nil {
			t.Errorf("the key %q is ended", key)
		}
		if _, err := c.Uninstall(t.Context(), j); err == nil {
			t.Errorf("the key %q is removed", key)
		}
	}
	isEmpty(t, before)
}

func TestAFolderOfOtherPeopleIsNotUsedForTheState(t *testing.T) {
	a := sshtest.Start(t, sshtest.Options{}).Access
	c := dial(t, a)
	elsewhere := t.TempDir()
	for name, plant := range map[string]func() error{
		"a link":            func() error { return os.Symlink(elsewhere, a.Home+"/.cmed") },
		"open for everyone": func() error { return errors.Join(os.Mkdir(a.Home+"/.cmed", 0o700), os.Chmod(a.Home+"/.cmed", 0o777)) },
	} {
		t.Run(name, func(t *testing.T) {
			check(t, plant())
			j := jobOf(a, "echo it runs\n")
			j.Path = t.TempDir() + "/script"
			check(t, c.Install(t.Context(), j))
			if r := run(t.Context(), c, j); r.stdout != "it runs\n" {
				t.Errorf("%+v", r)
			}
			isEmpty(t, a.Home+"/.cmed")
			uninstalls(t, c, j, remote.Removed)
			check(t, os.Remove(a.Home+"/.cmed"))
		})
	}
	isEmpty(t, elsewhere)
}

// Two jobs may have the same script at the same path. Whichever ends last takes it
// away, with the folders.
func TestTwoJobsWithOnePath(t *testing.T) {
	onEach(t, func(t *testing.T, a sshtest.Access) {
		c := dial(t, a)
		for _, placedFirst := range []bool{true, false} {
			first, second := jobOf(a, "echo on\n"), jobOf(a, "echo on\n")
			first.Path = a.Home + "/one/two/script"
			second.Path = first.Path
			check(t, c.Install(t.Context(), first))
			check(t, c.Install(t.Context(), second))
			if !placedFirst {
				first, second = second, first
			}
			check(t, run(t.Context(), c, first).err)
			uninstalls(t, c, first, map[bool]remote.Removal{true: remote.Shared, false: remote.Kept}[placedFirst])
			if r := run(t.Context(), c, second); r.err != nil || r.stdout != "on\n" {
				t.Errorf("the other run: %+v", r)
			}
			uninstalls(t, c, second, remote.Removed)
			isEmpty(t, a.Home)
		}
	})
}

// A job whose script found something else at the path inherits nothing.
func TestAJobThatFoundThePathOccupiedIsNoHeir(t *testing.T) {
	a := sshtest.Start(t, sshtest.Options{}).Access
	c := dial(t, a)
	j := installed(t, c, a, "exit 0\n")
	other := jobOf(a, "exit 1\n")
	if err := c.Install(t.Context(), other); !errors.Is(err, remote.ErrOccupied) {
		t.Fatal(err)
	}
	uninstalls(t, c, j, remote.Removed)
	uninstalls(t, c, other, remote.Gone)
	isEmpty(t, a.Home)
}

func TestJobsWithOnePathComeAndGoAtOnce(t *testing.T) {
	a := sshtest.Start(t, sshtest.Options{}).Access
	var working sync.WaitGroup
	for range 6 {
		c := dial(t, a)
		working.Go(func() {
			for range 5 {
				j := jobOf(a, "echo on\n")
				j.Path = a.Home + "/folder/script"
				if err := c.Install(t.Context(), j); err != nil {
					t.Error(err)
				} else if r := run(t.Context(), c, j); r.err != nil || r.stdout != "on\n" {
					t.Errorf("%+v", r)
				}
				if _, err := c.Uninstall(t.Context(), j); err != nil {
					t.Error(err)
				}
			}
		})
	}
	working.Wait()
	isEmpty(t, a.Home)
}

// Where a file system has no hard links the script is copied, but over nothing.
func TestAPathWithoutHardLinks(t *testing.T) {
	for rule, c := range map[string]struct {
		ln   string
		want error
	}{
		"nothing is there":       {"exit 1", nil},
		"something appears":      {`echo somebody >"$2"; exit 1`, remote.ErrOccupied},
		"a link to nothing does": {`/bin/ln -s "$2-nothing" "$2"; exit 1`, remote.ErrOccupied},
	} {
		for _, shell := range []string{"dash", "bash"} { // busybox has its own ln
			t.Run(rule+"/"+shell, func(t *testing.T) {
				options := withShell(t, shell)
				folder := t.TempDir()
				check(t, os.WriteFile(folder+"/ln", []byte("#!/bin/sh\n"+c.ln+"\n"), 0o700))
				options.Env = []string{"PATH=" + folder + ":" + strings.TrimPrefix(options.Env[0], "PATH=")}
				a := sshtest.Start(t, options).Access
				client := dial(t, a)
				j := jobOf(a, "echo on\n")
				if err := client.Install(t.Context(), j); !errors.Is(err, c.want) {
					t.Fatalf("Install: %v", err)
				}
				if c.want == nil {
					if r := run(t.Context(), client, j); r.stdout != "on\n" {
						t.Errorf("%+v", r)
					}
					uninstalls(t, client, j, remote.Removed)
					isEmpty(t, a.Home)
					return
				}
				if text, err := os.ReadFile(j.Path); err == nil && string(text) != "somebody\n" {
					t.Errorf("what was there is %q now", text)
				}
				if _, err := os.Lstat(j.Path + "-nothing"); err == nil {
					t.Error("a link was followed")
				}
				uninstalls(t, client, j, remote.Changed)
			})
		}
	}
}
