package httpapi

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strconv"
	"time"
)

// operationBackup is the operation of backup, which is on record though it is
// a reading.
const operationBackup = "backup"

// Backup is a copy of the store that is ready to be read.
type Backup struct {
	io.ReadCloser
	At   time.Time // the instant that it shows
	Size int64     // in bytes
}

// backup sends a consistent copy of the store. The copy is made first, so that a
// client that reads slowly holds nothing of the store, and keeps nobody else from
// one. It is the store that makes one at a time, and none that it has no room for.
func (s *Server) backup(w http.ResponseWriter, r *http.Request) (err error) {
	const octets = "application/octet-stream"
	if r.Method == http.MethodHead {
		w.Header().Set("Content-Type", octets)
		return nil
	}
	copied, err := s.cfg.Backup(r.Context())
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, copied.Close()) }()
	ctx, leave := s.sessions.enter(r.Context())
	defer leave()
	note(w, "", fmt.Sprintf("%d bytes", copied.Size))
	w.Header().Set("Content-Type", octets)
	w.Header().Set("Content-Disposition", `attachment; filename="cmed-`+copied.At.UTC().Format("20060102T150405Z")+`.db"`)
	w.Header().Set("Content-Length", strconv.FormatInt(copied.Size, 10))
	w.WriteHeader(http.StatusOK)
	if _, err := io.Copy(sessionWriter{ctx, w}, copied); err != nil {
		return fmt.Errorf("send the backup: %w", err)
	}
	return nil
}

// sessionWriter writes as long as its session goes on. It hides what else a writer
// can do: each write must have a deadline of its own.
type sessionWriter struct {
	session context.Context //nolint:containedctx // of one call of backup
	to      io.Writer
}

func (w sessionWriter) Write(p []byte) (int, error) {
	if w.session.Err() != nil {
		return 0, context.Cause(w.session)
	}
	return w.to.Write(p)
}
