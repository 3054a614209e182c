package exposure

import (
	"io/fs"
	"os"
	"path/filepath"
)

// Tree judges a path, the way to it, and all beneath it, wherever links in there
// lead.
func Tree(path string) *Exposure { return tree(path, map[string]bool{}) }

// tree is Tree but for what is beneath the folders in walked, which are resolved
// paths; it adds to them.
func tree(path string, walked map[string]bool) *Exposure {
	if e := Way(path); e != nil {
		return e
	}
	top, err := filepath.EvalSymlinks(path)
	if err != nil || walked[top] {
		return nil
	}
	walked[top] = true
	var found *Exposure
	_ = filepath.WalkDir(top, func(at string, entry fs.DirEntry, err error) error {
		switch {
		case err != nil:
			return nil
		case entry.Type()&fs.ModeSymlink == 0:
			found = one(at)
		default:
			found = link(at, top, walked)
		}
		if found != nil {
			return fs.SkipAll
		}
		return nil
	})
	return found
}

// link judges a link in a tree. One that stays in there is judged with the rest.
func link(at, within string, walked map[string]bool) *Exposure {
	target, err := filepath.EvalSymlinks(at)
	if err != nil {
		return nil
	}
	if rest, err := filepath.Rel(within, target); err == nil && filepath.IsLocal(rest) {
		return Way(at)
	}
	if info, err := os.Stat(target); err == nil && !info.IsDir() {
		return Way(at)
	}
	return tree(at, walked)
}
