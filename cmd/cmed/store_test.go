package main

import (
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/chaos-monkey-engine/cmed/internal/store"
)

// storeArgs is a command on the database of this home.
func (h home) storeArgs(command string, more ...string) []string {
	return append([]string{"store", command, "-d", h.database}, more...)
}

// endsWith runs a command to its end and wants its exit code.
func endsWith(t *testing.T, code int, args ...string) *call {
	t.Helper()
	c := begin(t, args...)
	if got := c.end(t); got != code {
		t.Errorf("cmed %s: exit code %d, want %d: %s%s", strings.Join(args, " "), got, code, c.stdout.String(), c.stderr.String())
	}
	return c
}

func wantText(t *testing.T, what, got string, want ...string) {
	t.Helper()
	for _, text := range want {
		if !strings.Contains(got, text) {
			t.Errorf("%s: no %q in %q", what, text, got)
		}
	}
}

// TestStoreCommandsUnderADaemon: a backup is made, the others are refused.
func TestStoreCommandsUnderADaemon(t *testing.T) {
	h := newHome(t)
	d := begin(t, h.args()...)
	d.ready(t)
	backup := filepath.Join(t.TempDir(), "copy")
	c := endsWith(t, 0, h.storeArgs("backup", backup)...)
	wantText(t, "backup", c.stdout.String(), "made from unix:", backup+" is whole: 0 plans", "it is a backup of ")
	info, err := os.Stat(backup)
	if err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("the backup: %v, %v", info, err)
	}
	for command, args := range map[string][]string{"check": nil, "compact": nil, "restore": {backup, "--force"}} {
		c := endsWith(t, exitInUse, h.storeArgs(command, args...)...)
		if !strings.Contains(c.stderr.String(), "another cmed") {
			t.Errorf("%s: %s", command, c.stderr.String())
		}
	}
	c = endsWith(t, exitUsage, h.storeArgs("backup", backup)...)
	wantText(t, "over a file", c.stderr.String(), backup, "take another name")
	folder := t.TempDir()
	endsWith(t, 0, h.storeArgs("backup", folder)...)
	missing := filepath.Join(folder, "missing") + "/"
	c = endsWith(t, exitUsage, h.storeArgs("backup", missing)...)
	if want := "there is no folder " + missing[:len(missing)-1]; !strings.Contains(c.stderr.String(), want) {
		t.Errorf("it says %s, not %s", c.stderr.String(), want)
	}
	files, err := os.ReadDir(folder)
	if err != nil || len(files) != 1 || !strings.HasSuffix(files[0].Name(), ".backup") {
		t.Errorf("in the folder: %v, %v", files, err)
	}
	d.stop(t)
}

func TestStoreBackupWithoutASocket(t *testing.T) {
	h := newHome(t)
	d := begin(t, h.args("--socket", "none")...)
	url := d.ready(t)
	to := filepath.Join(t.TempDir(), "copy")
	c := endsWith(t, exitInUse, h.storeArgs("backup", to)...)
	wantText(t, "without a socket", c.stderr.String(), "another cmed holds it", "socket")
	if _, err := os.Stat(to); err == nil {
		t.Error("there is a file all the same")
	}
	c = endsWith(t, 0, "store", "backup", to, "--server", url, "-o", "json")
	var doc struct {
		File, From string
		Report     struct {
			Whole  bool
			Schema int
		}
	}
	if err := json.Unmarshal([]byte(c.stdout.String()), &doc); err != nil || doc.File != to || !doc.Report.Whole || doc.Report.Schema == 0 {
		t.Errorf("%v: %s", err, c.stdout.String())
	}
	d.stop(t)
	c = endsWith(t, exitFailure, "store", "backup", to+"2", "--server", url)
	wantText(t, "of nobody", c.stderr.String(), "the daemon at "+strings.TrimSuffix(url, "/")+" can't be reached")
	if files, _ := filepath.Glob(to + "2*"); len(files) > 0 {
		t.Errorf("it leaves %v", files)
	}
}

// TestStoreRoundTrip takes a database through all of it.
func TestStoreRoundTrip(t *testing.T) {
	h := newHome(t)
	endsWith(t, exitFailure, h.storeArgs("check")...) // there is none
	d := begin(t, h.args()...)
	d.ready(t)
	d.stop(t)
	c := endsWith(t, 0, h.storeArgs("check")...)
	wantText(t, "check", c.stdout.String(), h.database+" is whole: 0 plans, 0 executors, 0 undo records, 0 API keys, ", "schema version 3")
	c = endsWith(t, 0, h.storeArgs("compact")...)
	wantText(t, "compact", c.stdout.String(), h.database+": from ", " MiB")
	backup := filepath.Join(t.TempDir(), "copy")
	c = endsWith(t, 0, h.storeArgs("backup", backup)...)
	wantText(t, "backup", c.stdout.String(), "made from "+h.database)
	c = endsWith(t, exitUsage, h.storeArgs("restore", backup)...)
	wantText(t, "restore", c.stderr.String(), "there is a database "+h.database, "--force")
	c = endsWith(t, 0, h.storeArgs("restore", backup, "--force")...)
	wantText(t, "restore", c.stdout.String(), h.database+" is now what it was at 2", "is kept as "+h.database+".before-restore-", "the lever is engaged", "cmed resume")

	d = begin(t, h.args()...)
	url := d.ready(t)
	_, body := get(t, url+"api/1/halt")
	wantText(t, "the lever", body, `"restore"`, "restored from the backup of")
	d.stop(t)

	other := filepath.Join(t.TempDir(), "new.db")
	c = endsWith(t, 0, "store", "restore", backup, "-d", other, "-o", "json")
	wantText(t, "restore to a new place", c.stdout.String(), `"path": "`+other+`"`, `"marked": true`, `"backup": "2`)
}

func TestStoreOfDamagedFiles(t *testing.T) {
	h := newHome(t)
	s, err := store.Open(h.database, store.WithReserve(0))
	if err != nil {
		t.Fatal(err)
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	content, err := os.ReadFile(h.database)
	if err != nil {
		t.Fatal(err)
	}
	page := os.Getpagesize()
	for at := 2 * page; at < 10*page && at < len(content); at += page {
		clear(content[at : at+16])
	}
	bad := filepath.Join(t.TempDir(), "bad")
	if err := os.WriteFile(bad, content, 0o600); err != nil {
		t.Fatal(err)
	}
	c := endsWith(t, exitFailure, h.storeArgs("check", bad)...)
	if !strings.Contains(c.stdout.String()+c.stderr.String(), "damaged") {
		t.Errorf("it says %s%s", c.stdout.String(), c.stderr.String())
	}
	endsWith(t, exitFailure, h.storeArgs("restore", bad, "--force")...)
	wantText(t, "the database", endsWith(t, 0, h.storeArgs("check")...).stdout.String(), "is whole")
	text := filepath.Join(t.TempDir(), "text")
	if err := os.WriteFile(text, []byte("hello"), 0o600); err != nil {
		t.Fatal(err)
	}
	c = endsWith(t, exitFailure, h.storeArgs("check", text)...)
	wantText(t, "of a text", c.stderr.String(), "not a store of cmed")
}

func TestStoreBadUsage(t *testing.T) {
	for args, want := range map[string]string{
		"backup":                    "cmed store backup takes one argument, the file or the folder for the copy",
		"restore":                   "cmed store restore takes one argument, the backup",
		"check a b":                 "cmed store check takes one argument at most, a backup",
		"compact now":               `"now": cmed store compact takes no arguments`,
		"chek":                      `unknown command "chek"; did you mean "check"?`,
		"check -d mysql://h":        "mysql: is not a database cmed can use",
		"check -o xml":              "it is not one of text, json, yaml",
		"compact --force":           "unknown flag: --force",
		"backup x --server ftp://x": "is not a URL",
	} {
		c := endsWith(t, exitUsage, append([]string{"store"}, strings.Fields(args)...)...)
		wantText(t, args, c.stderr.String(), want)
	}
}
