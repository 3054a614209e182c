package httpapi

import (
	"errors"
	"fmt"
	"io"
	"os"
)

// spoolMemory is how much a spool keeps in memory, in bytes.
const spoolMemory = 1 << 20

// spool keeps what is written to it to be read once more: at first in memory,
// and past spoolMemory in a temporary file that only this process can name.
// The zero value is empty and uses the system's folder.
type spool struct {
	dir    string
	memory []byte
	file   *os.File
	named  bool // the file still has its name
}

// Write appends p.
func (s *spool) Write(p []byte) (int, error) {
	if s.file == nil && len(s.memory)+len(p) <= spoolMemory {
		s.memory = append(s.memory, p...)
		return len(p), nil
	}
	if s.file == nil {
		if err := s.toFile(); err != nil {
			return 0, err
		}
	}
	n, err := s.file.Write(p)
	if err != nil {
		return n, fmt.Errorf("spool a list: %w", err)
	}
	return n, nil
}

// toFile moves what there is into a file. Its name is removed at once where the
// system allows it, so that a crash leaves nothing.
func (s *spool) toFile() error {
	file, err := os.CreateTemp(s.dir, "cmed-list-*")
	if err != nil {
		return fmt.Errorf("spool a list: %w", err)
	}
	s.file = file
	s.named = os.Remove(file.Name()) != nil
	if _, err := file.Write(s.memory); err != nil {
		return fmt.Errorf("spool a list: %w", err)
	}
	s.memory = nil
	return nil
}

// WriteTo writes everything to w, from the start.
func (s *spool) WriteTo(w io.Writer) (int64, error) {
	if s.file == nil {
		n, err := w.Write(s.memory)
		return int64(n), err
	}
	if _, err := s.file.Seek(0, io.SeekStart); err != nil {
		return 0, fmt.Errorf("read a spool: %w", err)
	}
	return io.Copy(w, s.file)
}

// Close releases the file, if there is one.
func (s *spool) Close() error {
	if s.file == nil {
		return nil
	}
	err := s.file.Close()
	if s.named {
		err = errors.Join(err, os.Remove(s.file.Name()))
	}
	return err
}
