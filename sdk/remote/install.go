package remote

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"os"
	"strconv"
	"strings"
	"time"

	"github.com/pkg/sftp"
)

// uploadTimeout bounds the upload of a script over SFTP, after which it is tried
// through cat.
const uploadTimeout = 60 * time.Second

// Install uploads the script to its path, by SFTP or, where the machine has
// none, through cat, executable for the user alone. It is put there under
// another name and renamed, so that it is whole or not there. Missing folders on
// the way are made, private. Something else that lies there already is an error
// (ErrOccupied), as is the same script if another user, but root, could change
// it; otherwise the same script is not, and it stays as it is. A job that has
// been run or ended can't be installed again before Uninstall (ErrUsed).
func (c *Client) Install(ctx context.Context, j Job) error {
	if err := j.check(); err != nil {
		return err
	}
	ctx, cancel := context.WithTimeoutCause(ctx, 4*askTimeout, errors.New("the upload took too long"))
	defer cancel()
	about := j.about()
	folder, err := c.prepare(ctx, j, about)
	if err != nil || folder == "" {
		return err
	}
	err = c.upload(ctx, j, folder, about)
	if errors.Is(err, errAppeared) {
		// Another job with the same script may have put it there.
		if again, retryErr := c.prepare(ctx, j, about); retryErr != nil || again == "" {
			return retryErr
		}
	}
	return err
}

// errAppeared is returned when the path was free a moment ago.
var errAppeared = fmt.Errorf("%w, which appeared in the meantime", ErrOccupied)

// prepare puts the job on file and returns the folder to upload its script into,
// or "" if the script is at its path already.
func (c *Client) prepare(ctx context.Context, j Job, about []variable) (folder string, err error) {
	said, err := c.ask(ctx, j, about, "folder", "occupant", "prepare")
	if err != nil {
		return "", fmt.Errorf("prepare %s: %w", j.Path, err)
	}
	folder, rest, _ := strings.Cut(said, "\n")
	if folder == "used" {
		return "", ErrUsed
	}
	switch there := j.compare(rest); there {
	case occupantSame:
		return "", nil
	case occupantNone:
		return folder, nil
	default:
		return "", fmt.Errorf("%w: %s is %s", ErrOccupied, j.Path, there)
	}
}

// about are the variables that say what the script is.
func (j Job) about() []variable {
	sum := sha256.Sum256(j.Script)
	return []variable{{"size", strconv.Itoa(len(j.Script))}, {"sum", hex.EncodeToString(sum[:])}}
}

// upload brings the script into the job's folder and from there to its path.
func (c *Client) upload(ctx context.Context, j Job, folder string, about []variable) error {
	target := folder + "/upload"
	var failures []error
	for _, send := range []func(context.Context, string, []byte) error{c.sendSFTP, c.sendCat} {
		if err := send(ctx, target, j.Script); err != nil {
			if ctx.Err() != nil || errors.Is(err, ErrLost) {
				return fmt.Errorf("upload the script: %w", err)
			}
			failures = append(failures, err)
			continue
		}
		said, err := c.ask(ctx, j, about, "folder", "place")
		if err != nil {
			return fmt.Errorf("put the script at %s: %w", j.Path, err)
		}
		switch strings.TrimSpace(said) {
		case "placed":
			return nil
		case "occupied":
			return fmt.Errorf("%w: %s", errAppeared, j.Path)
		}
		// SFTP may show another tree than the shell does.
		failures = append(failures, errors.New("the machine got only a part of it"))
	}
	return fmt.Errorf("upload the script: %w", errors.Join(failures...))
}

// sendSFTP writes a file by SFTP.
func (c *Client) sendSFTP(ctx context.Context, target string, content []byte) error {
	ctx, cancel := context.WithTimeoutCause(ctx, uploadTimeout, errors.New("SFTP didn't answer in time"))
	defer cancel()
	cmd, err := c.start(ctx, "subsystem", "sftp")
	if err != nil {
		return err
	}
	stop := context.AfterFunc(ctx, func() { _ = cmd.ch.Close() })
	defer stop()
	return c.within(ctx, func() error {
		client, err := sftp.NewClientPipe(cmd.ch, cmd.ch)
		if err != nil {
			_ = cmd.ch.Close()
			return fmt.Errorf("speak SFTP: %w", err)
		}
		defer func() {
			_ = client.Close()
			_ = client.Wait()
		}()
		file, err := client.OpenFile(target, os.O_WRONLY|os.O_CREATE|os.O_TRUNC)
		if err != nil {
			return fmt.Errorf("create %s by SFTP: %w", target, err)
		}
		_, err = file.Write(content)
		if err := errors.Join(err, file.Close()); err != nil {
			return fmt.Errorf("write %s by SFTP: %w", target, err)
		}
		return nil
	})
}

// sendCat writes a file through cat.
func (c *Client) sendCat(ctx context.Context, target string, content []byte) error {
	cmd, err := c.start(ctx, "exec", "cat >"+quote(target))
	if err != nil {
		return err
	}
	defer func() { _ = cmd.ch.Close() }()
	var words tail
	c.feed(cmd, content)
	copied := c.copyOutput(cmd, io.Discard, &words)
	select {
	case <-cmd.exited:
	case <-ctx.Done():
		return context.Cause(ctx)
	}
	if cmd.ended.told && cmd.ended.status == 0 && cmd.ended.signal == "" {
		return nil
	}
	select {
	case <-copied:
	case <-time.After(lastWords):
	}
	return c.orLost(fmt.Errorf("write %s through cat: %s", target, oneLine(words.text())))
}

// Occupants of a path that Go code tells apart; any other word says what lies
// there instead.
const (
	occupantNone  = "nothing"
	occupantSame  = "the same script"
	occupantOther = "another file"
)

// compare says what lies at the script's path, by the answer of occupant.sh.
func (j Job) compare(answer string) string {
	word, content, _ := strings.Cut(answer, "\n")
	switch {
	case word == "free":
		return occupantNone
	case word != "file":
		return word
	case bytes.Equal([]byte(content), j.Script):
		return occupantSame
	}
	return occupantOther
}
