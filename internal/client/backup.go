package client

import (
	"context"
	"io"
	"mime"
	"path"
	"time"
)

// copyLimit bounds how long the daemon may take to copy its store, which it does
// before it answers.
const copyLimit = time.Hour

// Backup writes a consistent copy of the daemon's store, made while it runs.
// It returns the name that the daemon gives the copy, which is never a path. After
// an error what was written is no backup.
func (c *Client) Backup(ctx context.Context, to io.Writer) (name string, err error) {
	r := get(base + "/backup")
	r.accept, r.patience = "application/octet-stream, application/problem+json", copyLimit
	err = c.open(ctx, r, func(s *answerStream) error {
		if _, params, err := mime.ParseMediaType(s.disposition); err == nil && params["filename"] != "" {
			name = path.Base(params["filename"])
		}
		_, err := io.Copy(to, s)
		return err
	})
	return name, err
}
