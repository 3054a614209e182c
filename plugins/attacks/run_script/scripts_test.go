package main

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"github.com/chaos-monkey-engine/cmed/sdk/pluginv1"
)

func TestScriptsComeFromTheFolderOnly(t *testing.T) {
	outside := t.TempDir()
	folder := filepath.Join(outside, "scripts")
	write := func(name, content string) {
		t.Helper()
		if err := os.MkdirAll(filepath.Dir(name), 0o700); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(name, []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	write(folder+"/ok.sh", "#!/bin/sh\n")
	write(folder+"/sub/ok.sh", "#!/bin/sh\n")
	write(folder+"/crlf.sh", "#!/bin/sh\r\necho\r\n")
	write(folder+"/plain", "echo\r\n")
	write(folder+"/large.sh", strings.Repeat("x", longestScript+1))
	write(folder+"-other/secret", "secret")
	write(outside+"/secret", "secret")
	for name, target := range map[string]string{
		"out": "../secret", "far": "/etc/passwd", "through": "..", "in": "ok.sh", "beside": "../scripts-other", "loop": "loop", "dangling": "nothing",
	} {
		if err := os.Symlink(target, filepath.Join(folder, name)); err != nil {
			t.Fatal(err)
		}
	}
	if err := syscall.Mkfifo(filepath.Join(folder, "pipe"), 0o600); err != nil {
		t.Fatal(err)
	}
	t.Setenv(pluginv1.EnvScripts, folder)
	for name, want := range map[string]string{
		"ok.sh":                  "",
		"sub/ok.sh":              "",
		"./sub/../ok.sh":         "",
		"in":                     "",
		"plain":                  "",
		folder + "/sub/ok.sh":    "",
		"../secret":              "leads out of the scripts folder",
		"sub/../../secret":       "leads out of the scripts folder",
		"/etc/passwd":            "leads out of the scripts folder",
		outside + "/secret":      "leads out of the scripts folder",
		folder + "-other/secret": "leads out of the scripts folder",
		folder + "/../secret":    "leads out of the scripts folder",
		"out":                    "leads out of the scripts folder, by a link",
		"far":                    "leads out of the scripts folder, by a link",
		"through/secret":         "leads out of the scripts folder, by a link",
		"beside/secret":          "leads out of the scripts folder, by a link",
		"missing.sh":             "is not in the scripts folder " + folder,
		"dangling":               "is not in the scripts folder " + folder,
		"loop":                   "can't be read in the scripts folder " + folder + ": too many levels of symbolic links",
		"ok.sh/x":                "can't be read in the scripts folder " + folder + ": not a directory",
		"sub":                    "is not a regular file",
		".":                      "is not a regular file",
		folder:                   "is not a regular file",
		"pipe":                   "is not a regular file",
		"large.sh":               "is larger than 1024 KiB",
	} {
		content, err := readScript("/local_script", name, longestScript)
		got := ""
		if err != nil {
			got = strings.TrimPrefix(err.Error(), `the script "`+name+`" `)
		}
		if got != want {
			t.Errorf("%s: %q, want %q", name, got, want)
		}
		if strings.Contains(string(content.content), "secret") || strings.Contains(string(content.content), "root:") {
			t.Errorf("%s was read: %s", name, content.content)
		}
		if outside := strings.HasPrefix(want, "leads out"); outside != errors.Is(err, errOutside) {
			t.Errorf("%s is outside: %t, %v", name, outside, err)
		}
	}
	if _, err := readScript("/local_script", "crlf.sh", longestScript); err == nil || !strings.Contains(err.Error(), "as on Windows (CRLF)") {
		t.Errorf("CRLF: %v", err)
	}
	t.Setenv(pluginv1.EnvScripts, "")
	if _, err := readScript("/local_script", "ok.sh", longestScript); err == nil || !strings.Contains(err.Error(), "no scripts folder that it trusts") {
		t.Errorf("no folder: %v", err)
	}
}
