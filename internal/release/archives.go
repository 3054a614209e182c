package main

import (
	"archive/tar"
	"bytes"
	"compress/gzip"
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
)

// sumsName is the file with the checksums, in the form of sha256sum.
const sumsName = "SHA256SUMS"

// makeArchives builds an archive for each platform, and their checksums.
func makeArchives(ctx context.Context, o order, stdout io.Writer) (err error) {
	stage, err := os.MkdirTemp("", "cmed-release-*")
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, os.RemoveAll(stage)) }()
	if err := os.MkdirAll(o.out, 0o755); err != nil { //nolint:gosec // G301: for everybody to read
		return err
	}
	sources, err := sourcesOf(ctx, ".", filepath.Join(stage, "sources"))
	if err != nil {
		return err
	}
	manual := filepath.Join(stage, "man")
	if err := writeManual(ctx, sources, o.stamp, filepath.Join(stage, "host"), manual); err != nil {
		return err
	}
	var sums strings.Builder
	for _, p := range o.platforms {
		built, err := buildPrograms(ctx, sources, p, o.stamp, filepath.Join(stage, p.os+"-"+p.arch))
		if err != nil {
			return err
		}
		name := fmt.Sprintf("cmed-%s-%s-%s", o.stamp.Version, p.os, p.arch)
		t, err := archiveTree(name, sources, built, manual)
		if err != nil {
			return err
		}
		archive, err := pack(t, o.stamp.Time)
		if err != nil {
			return err
		}
		file := name + ".tar.gz"
		if err := writeWhole(filepath.Join(o.out, file), archive); err != nil {
			return err
		}
		fmt.Fprintf(&sums, "%x  %s\n", sha256.Sum256(archive), file)
		fmt.Fprintf(stdout, "%s (%d MiB)\n", filepath.Join(o.out, file), len(archive)>>20)
	}
	return writeWhole(filepath.Join(o.out, sumsName), []byte(sums.String()))
}

// writeManual has a cmed of this machine write the manual pages.
func writeManual(ctx context.Context, sources string, s stamp, dir, manual string) error {
	if err := os.Mkdir(dir, 0o700); err != nil {
		return err
	}
	program := filepath.Join(dir, "cmed")
	if err := goBuild(ctx, sources, here, program, s.linkerFlags(), "./cmd/cmed"); err != nil {
		return err
	}
	cmd := exec.CommandContext(ctx, program, "man", manual) //nolint:gosec // G204: just built
	cmd.Env = []string{"HOME=/nonexistent", "PATH=" + os.Getenv("PATH")}
	if said, err := cmd.CombinedOutput(); err != nil {
		return fmt.Errorf("write the manual: %w\n%s", err, said)
	}
	return nil
}

// archiveTree is what is in an archive, in a folder of its name. Unpacked, cmed
// finds the plugins, which are beside it.
func archiveTree(name, sources string, built programs, manual string) (*tree, error) {
	t := &tree{}
	at := func(relative string) string { return name + "/" + relative }
	from := func(relative string) string { return filepath.Join(sources, filepath.FromSlash(relative)) }
	t.file(at("cmed"), filepath.Join(built.dir, "cmed"), programMode)
	for _, file := range []string{"LICENSE", "README.md", "CHANGELOG.md"} {
		t.file(at(file), from(file), fileMode)
	}
	isTest := func(name string) bool { return strings.HasSuffix(name, ".go") }
	return t, errors.Join(
		t.folderOf(at("attacks"), filepath.Join(built.dir, "attacks"), programMode, nil),
		t.folderOf(at("planners"), filepath.Join(built.dir, "planners"), programMode, nil),
		t.folderOf(at("scripts/script_attacks"), from("plugins/scripts/script_attacks"), programMode, nil),
		t.folderOf(at("man"), manual, fileMode, nil),
		t.folderOf(at("deploy"), from("deploy"), fileMode, isTest),
		t.folderOf(at("docs"), from("docs"), fileMode, isTest),
		t.folderOf(at("examples/plans"), from("examples/plans"), fileMode, isTest),
	)
}

// pack makes a compressed archive in which nothing tells who packed it, and when.
// Everything belongs to root and is of the time given.
func pack(t *tree, at seconds) ([]byte, error) {
	entries, err := t.sorted()
	if err != nil {
		return nil, err
	}
	var out bytes.Buffer
	compressed, err := gzip.NewWriterLevel(&out, gzip.BestCompression)
	if err != nil {
		return nil, err
	}
	archive := tar.NewWriter(compressed)
	for _, e := range entries {
		if err := e.pack(archive, at); err != nil {
			return nil, fmt.Errorf("pack %s: %w", e.path, err)
		}
	}
	if err := errors.Join(archive.Close(), compressed.Close()); err != nil {
		return nil, err
	}
	return out.Bytes(), nil
}

func (e entry) pack(archive *tar.Writer, at seconds) error {
	header := &tar.Header{
		Typeflag: tar.TypeDir, Name: e.path + "/", Mode: int64(e.mode.Perm()), ModTime: at.instant(), Format: tar.FormatPAX,
	}
	if e.mode.IsDir() {
		return archive.WriteHeader(header)
	}
	content, err := e.content()
	if err != nil {
		return err
	}
	header.Typeflag, header.Name, header.Size = tar.TypeReg, e.path, int64(len(content))
	if err := archive.WriteHeader(header); err != nil {
		return err
	}
	_, err = archive.Write(content)
	return err
}

// writeWhole writes a file so that it is there whole or not at all.
func writeWhole(file string, content []byte) error {
	if err := os.WriteFile(file+".part", content, 0o644); err != nil { //nolint:gosec // G306: for everybody to read
		return err
	}
	return os.Rename(file+".part", file)
}
