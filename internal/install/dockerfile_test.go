package install

import (
	"archive/tar"
	"bytes"
	"errors"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
)

// copying is a COPY of the last stage: a folder that the release program made, to
// where, and whose it becomes.
type copying struct {
	from, to string
	owner    int
}

// recipe is the last stage of the Dockerfile.
type recipe struct {
	copies []copying
	// others are its instructions that make no files.
	others []string
}

var (
	buildLine = regexp.MustCompile(`(?m)^FROM golang:\d+\.\d+\.\d+ AS build$`)
	copyLine  = regexp.MustCompile(`^COPY --from=build (?:--chown=(\d+):(\d+) )?/image/(\w+)/ (/\S*)$`)
)

// readDockerfile reads what the last stage does. It fails when that begins with
// anything, or copies what the release program does not make.
func readDockerfile(t *testing.T) recipe {
	t.Helper()
	text, err := os.ReadFile("../../Dockerfile")
	if err != nil {
		t.Fatal(err)
	}
	if !strings.Contains(string(text), "\nRUN go run ./internal/release image -out /image ") {
		t.Error("the files are not those of the release program")
	}
	if !buildLine.Match(text) {
		t.Error("by which Go it is built depends on the day")
	}
	_, last, found := strings.Cut(string(text), "\nFROM scratch\n")
	if !found || strings.Contains(last, "\nFROM ") {
		t.Fatal("the last stage is not from scratch")
	}
	var r recipe
	for line := range strings.Lines(last) {
		line = strings.TrimSpace(line)
		switch word, _, _ := strings.Cut(line, " "); {
		case line == "", strings.HasPrefix(line, "#"):
		case slices.Contains([]string{"ENV", "USER", "WORKDIR", "VOLUME", "EXPOSE", "HEALTHCHECK", "ENTRYPOINT"}, word):
			r.others = append(r.others, line)
		default:
			r.copies = append(r.copies, readCopy(t, line))
		}
	}
	return r
}

func readCopy(t *testing.T, line string) copying {
	t.Helper()
	m := copyLine.FindStringSubmatch(line)
	if m == nil || m[1] != m[2] {
		t.Fatalf("the test does not know what this does: %s", line)
	}
	owner, _ := strconv.Atoi(m[1]) // "": root
	return copying{m[3], m[4], owner}
}

// files are all files of the image as a tar, made as the last stage makes them out
// of the folders in dir.
func (r recipe) files(t *testing.T, dir string) *bytes.Buffer {
	t.Helper()
	var out bytes.Buffer
	archive := tar.NewWriter(&out)
	for _, c := range r.copies {
		if err := c.add(archive, filepath.Join(dir, c.from)); err != nil {
			t.Fatal(err)
		}
	}
	if err := archive.Close(); err != nil {
		t.Fatal(err)
	}
	return &out
}

func (c copying) add(archive *tar.Writer, dir string) error {
	return filepath.WalkDir(dir, func(file string, e fs.DirEntry, err error) error {
		if err != nil || file == dir {
			return err
		}
		info, err := e.Info()
		if err != nil {
			return err
		}
		header, err := tar.FileInfoHeader(info, "")
		if err != nil {
			return err
		}
		relative, err := filepath.Rel(dir, file)
		if err != nil {
			return err
		}
		header.Name = strings.TrimPrefix(path.Join(c.to, filepath.ToSlash(relative)), "/")
		header.Uid, header.Gid, header.Uname, header.Gname = c.owner, c.owner, "", ""
		if err := archive.WriteHeader(header); err != nil || e.IsDir() {
			return err
		}
		content, err := os.ReadFile(file)
		_, writeErr := archive.Write(content)
		return errors.Join(err, writeErr)
	})
}
