package dockertest

import (
	"archive/tar"
	"bytes"
	"context"
	"debug/elf"
	"errors"
	"fmt"
	"io"
	"net/url"
	"os"
	"os/exec"
	"strings"
	"testing"
)

// applets are the programs of the image, each a link to busybox.
var applets = []string{"sh", "sleep", "true", "false", "cat", "echo", "kill", "ps"}

// importImage makes the image of the machine's own static busybox: nothing is
// fetched from anywhere.
func (e *Engine) importImage(ctx context.Context) error {
	root, err := busyboxTree()
	if err != nil {
		return err
	}
	return e.importTree(ctx, e.image, root, nil)
}

// importTree makes an image of a tar, and of instructions as a Dockerfile has
// them, but for those that make files.
func (e *Engine) importTree(ctx context.Context, image string, tree io.Reader, instructions []string) error {
	name, tag, _ := strings.Cut(image, ":")
	query := url.Values{"fromSrc": {"-"}, "repo": {name}, "tag": {tag}, "changes": instructions}
	said, err := e.wire.fetch(ctx, "POST", "/images/create?"+query.Encode(), tree)
	if err != nil {
		return fmt.Errorf("import an image into %s: %w", e.Host, err)
	}
	// An import that fails on the way says so in an answer of status 200.
	if err := e.wire.do(ctx, "GET", "/images/"+image+"/json", nil, nil); err != nil {
		return fmt.Errorf("import an image into %s: %w: %s", e.Host, err, said)
	}
	return nil
}

// Import makes an image of a tar of all its files, and of instructions as a
// Dockerfile has them, but for those that make files. It returns the image's name,
// for a Container. It is removed when the test ends.
func (e *Engine) Import(t testing.TB, tree io.Reader, instructions ...string) string {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), callBound)
	defer cancel()
	image := "cmed-dockertest:" + Unique()
	if err := e.importTree(ctx, image, tree, instructions); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := e.deleteImage(image); err != nil {
			t.Errorf("remove the image %s: %v", image, err)
		}
	})
	return image
}

func (e *Engine) deleteImage(image string) error {
	return e.ask("DELETE", "/images/"+image+"?force=1", nil, nil)
}

func (e *Engine) removeImage() {
	if err := e.deleteImage(e.image); err != nil {
		fmt.Fprintf(os.Stderr, "remove the image %s: %v\n", e.image, err)
	}
}

// busyboxTree is a tar of the image's files.
func busyboxTree() (*bytes.Buffer, error) {
	program, err := staticBusybox()
	if err != nil {
		return nil, err
	}
	var out bytes.Buffer
	tree := tar.NewWriter(&out)
	err = errors.Join(
		tree.WriteHeader(&tar.Header{Typeflag: tar.TypeDir, Name: "bin/", Mode: 0o755}),
		tree.WriteHeader(&tar.Header{Typeflag: tar.TypeReg, Name: "bin/busybox", Mode: 0o755, Size: int64(len(program))}),
	)
	if err == nil {
		_, err = tree.Write(program)
	}
	for _, name := range applets {
		link := &tar.Header{Typeflag: tar.TypeSymlink, Name: "bin/" + name, Linkname: "busybox", Mode: 0o777}
		err = errors.Join(err, tree.WriteHeader(link))
	}
	return &out, errors.Join(err, tree.Close())
}

// staticBusybox reads the machine's busybox if it needs no library.
func staticBusybox() ([]byte, error) {
	path, err := exec.LookPath("busybox")
	if err != nil {
		return nil, errors.New("there is no busybox to make an image of")
	}
	program, err := os.ReadFile(path) //nolint:gosec // G304, G703: found in PATH
	if err != nil {
		return nil, err
	}
	file, err := elf.NewFile(bytes.NewReader(program))
	if err != nil {
		return nil, fmt.Errorf("make an image of %s: %w", path, err)
	}
	for _, segment := range file.Progs {
		if segment.Type == elf.PT_INTERP {
			return nil, errors.New(path + " is linked with libraries; the image needs a static one")
		}
	}
	return program, nil
}
