package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
)

// The user that the image runs as. The Dockerfile names it by number, so that who
// runs it can tell that it is not root.
const imageUser = 65532

// makeImage builds the file system of the image into three folders of -out, which
// must not be there. The Dockerfile copies root to / as root's own, state to
// /var/lib as the user's, and scratch to / as the user's: a copy from one stage of
// a build to another need not keep owners.
func makeImage(ctx context.Context, o order) (err error) {
	stage, err := os.MkdirTemp("", "cmed-release-*")
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, os.RemoveAll(stage)) }()
	built, err := buildPrograms(ctx, ".", platform{"linux", here.arch}, o.stamp, filepath.Join(stage, "bin"))
	if err != nil {
		return err
	}
	root, err := imageRoot(built, o.certificates)
	if err != nil {
		return err
	}
	state, scratch := &tree{}, &tree{}
	state.folder("cmed", 0o700)
	scratch.folder("tmp", os.ModeSticky|0o777)
	if err := os.Mkdir(o.out, 0o755); err != nil { //nolint:gosec // G301: the Dockerfile copies it
		return err
	}
	return errors.Join(
		root.write(filepath.Join(o.out, "root")),
		state.write(filepath.Join(o.out, "state")),
		scratch.write(filepath.Join(o.out, "scratch")),
	)
}

// imageRoot is all that belongs to root in the image, and is there only to be read.
func imageRoot(built programs, certificates string) (*tree, error) {
	t := &tree{}
	t.file("usr/local/bin/cmed", filepath.Join(built.dir, "cmed"), programMode)
	t.file("usr/local/share/doc/cmed/LICENSE", "LICENSE", fileMode)
	t.file("etc/ssl/certs/ca-certificates.crt", certificates, fileMode)
	t.text("etc/passwd", fmt.Sprintf("root:x:0:0:root:/:/nologin\ncmed:x:%d:%[1]d:cmed:/var/lib/cmed:/nologin\n", imageUser))
	t.text("etc/group", fmt.Sprintf("root:x:0:\ncmed:x:%d:\n", imageUser))
	t.folder("var/lib", 0o755)
	return t, errors.Join(
		t.folderOf("plugins/attacks", filepath.Join(built.dir, "attacks"), programMode, needsPython),
		t.folderOf("plugins/planners", filepath.Join(built.dir, "planners"), programMode, needsPython),
		t.folderOf("plugins/scripts/script_attacks", "plugins/scripts/script_attacks", programMode, nil),
	)
}

// needsPython says of which plugins the image can have no use: it has no Python.
func needsPython(name string) bool { return name == "cme_python" }
