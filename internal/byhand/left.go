package byhand

import (
	"cmp"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"time"

	"github.com/hashicorp/go-hclog"

	"github.com/chaos-monkey-engine/cmed/internal/engine"
)

// Leftover is the folder of a run that did not remove it.
type Leftover struct {
	Folder string `json:"folder"`
	// InUse: the run goes on, or is being undone. Nothing else is known then.
	InUse   bool       `json:"in_use,omitempty"`
	Ref     engine.Ref `json:"ref,omitempty"` // "": nothing was run
	Plugin  string     `json:"plugin,omitempty"`
	Started time.Time  `json:"started,omitzero"`
	Records []Record   `json:"records"`
	// Left counts the records whose harm may be in place.
	Left int `json:"left"`
	// Error says why the folder can't be read.
	Error string `json:"error,omitempty"`
}

// Leftovers lists the folders below base, the oldest first. One without records is
// of a run that was cut off before it did anything; Undo removes it.
func Leftovers(base string) ([]Leftover, error) {
	entries, err := os.ReadDir(base)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("list the runs by hand: %w", err)
	}
	var all []Leftover
	for _, e := range entries {
		if !e.IsDir() {
			continue
		}
		l := Leftover{Folder: filepath.Join(base, e.Name()), Records: []Record{}}
		err := l.read()
		switch {
		case errors.Is(err, fs.ErrNotExist): // not one of ours, or just removed
			continue
		case errors.Is(err, ErrInUse):
			l.InUse = true
		case err != nil:
			l.Error = err.Error()
		}
		all = append(all, l)
	}
	slices.SortFunc(all, func(a, b Leftover) int { return cmp.Compare(a.Folder, b.Folder) })
	return all, nil
}

func (l *Leftover) read() error {
	f, err := openFolder(l.Folder, hclog.NewNullLogger())
	if err != nil {
		return err
	}
	l.Ref, l.Plugin, l.Started = f.account.Ref, f.account.Plugin, f.account.Started
	l.Records, l.Left = f.records(), len(f.ledger.reversible())
	return f.lock.Close()
}
