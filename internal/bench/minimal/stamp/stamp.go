// Package stamp is the work that the benchmark's attacks do: each notes when its
// first instruction ran. It is the same in the real attack and in the minimal
// one, so that what differs is how they got there.
package stamp

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"os"
	"strconv"
	"time"
)

// Write notes that name ran at the instant given, at the end of the file at
// path. Any number of processes may do so at the same time: one write(2) to a
// file opened for appending is one line.
func Write(path, name string, at time.Time) error {
	//nolint:gosec // the benchmark names the file
	f, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_APPEND, 0o600)
	if err != nil {
		return err
	}
	_, err = f.WriteString(name + " " + strconv.FormatInt(at.UnixNano(), 10) + "\n")
	return errors.Join(err, f.Close())
}

// Mark is one line of the file.
type Mark struct {
	Name string
	At   time.Time
}

// Read returns the marks in the file at path, in the order written; none when
// there is no file yet. A line that is no mark is an error.
func Read(path string) ([]Mark, error) {
	text, err := os.ReadFile(path) //nolint:gosec // the benchmark names the file
	if errors.Is(err, os.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	var marks []Mark
	for lines := bufio.NewScanner(bytes.NewReader(text)); lines.Scan(); {
		name, digits, _ := bytes.Cut(lines.Bytes(), []byte{' '})
		nanoseconds, err := strconv.ParseInt(string(digits), 10, 64)
		if err != nil {
			return nil, fmt.Errorf("%s: %q is no mark", path, lines.Text())
		}
		marks = append(marks, Mark{Name: string(name), At: time.Unix(0, nanoseconds)})
	}
	return marks, nil
}
