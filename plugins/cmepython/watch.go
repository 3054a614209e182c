package cmepython

import (
	"io/fs"
	"path/filepath"
	"strings"
)

// mostWatched bounds the list of files that are watched.
const mostWatched = 1000

// watch returns the folder of modules, whether it is there or not, and all
// folders and Python files in it, with paths relative to the plugin file's
// folder.
func (b bridge) watch() []string {
	paths := []string{Folder}
	root := filepath.Clean(b.folder) + string(filepath.Separator) // a link is followed
	_ = filepath.WalkDir(root, func(path string, entry fs.DirEntry, err error) error {
		rest, _ := filepath.Rel(root, path)
		switch {
		case rest == ".":
			return nil
		case err != nil: // it is gone, or closed to us: what it is can't change what is offered
			return nil
		case entry.IsDir() && (strings.HasPrefix(entry.Name(), ".") || entry.Name() == "__pycache__"):
			return fs.SkipDir
		case len(paths) == mostWatched:
			return fs.SkipAll
		case entry.IsDir() || entry.Type()&fs.ModeSymlink != 0 || strings.HasSuffix(entry.Name(), ".py"):
			paths = append(paths, filepath.Join(Folder, rest))
		}
		return nil
	})
	return paths
}
