package exposure

import (
	"io/fs"
	"os"
	"path/filepath"
)

// Tree judges a path, the way to it, and all beneath it, wherever links in there
// lead.
func Tree(path string) *Exposure { return tree(path, maxLinks) }

func tree(path string, links int) *Exposure {
	if e := way(path, links); e != nil {
		return e
	}
	target, err := filepath.EvalSymlinks(path)
	if err != nil {
		return nil
	}
	var found *Exposure
	_ = filepath.WalkDir(target, func(at string, entry fs.DirEntry, err error) error {
		switch {
		case err != nil:
			return nil
		case entry.Type()&fs.ModeSymlink == 0:
			found = one(at)
		case links > 0 && at != target:
			found = link(at, target, links-1)
		}
		if found != nil {
			return fs.SkipAll
		}
		return nil
	})
	return found
}

// link judges a link in a tree. One that stays in there is judged with the rest.
func link(at, within string, links int) *Exposure {
	target, err := filepath.EvalSymlinks(at)
	if err != nil {
		return nil
	}
	if rest, err := filepath.Rel(within, target); err == nil && filepath.IsLocal(rest) {
		return way(at, links)
	}
	if info, err := os.Stat(target); err == nil && !info.IsDir() {
		return way(at, links)
	}
	return tree(at, links)
}
