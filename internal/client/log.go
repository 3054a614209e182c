package client

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"strconv"
	"time"
)

// LogEntry is one line of an executor's log.
type LogEntry struct {
	Raw json.RawMessage `json:"-"` // the document

	Seq     uint64          `json:"seq"`
	At      time.Time       `json:"at"`
	Level   string          `json:"level"`
	Source  string          `json:"source"`
	Message string          `json:"message"`
	Fields  json.RawMessage `json:"fields"`
}

func logPath(id string) (string, error) {
	return executorsPath + id + "/log", checkID(id, "an executor")
}

// CopyLog writes an executor's log, as far as it goes, as the daemon prints it.
func (c *Client) CopyLog(ctx context.Context, id string, to io.Writer) error {
	path, err := logPath(id)
	if err != nil {
		return err
	}
	r := get(path)
	r.accept = "text/plain, application/problem+json"
	return c.open(ctx, r, func(s *answerStream) error {
		_, err := io.Copy(to, s)
		return err
	})
}

// FollowLog passes on an executor's log after the entry of the number given, as
// it comes, until yield returns false. over is the executor when it has ended and
// its undo is settled, and nil when the daemon stopped before: then a later call
// goes on. opened, unless it is nil, is called when the daemon has begun to answer.
func (c *Client) FollowLog(
	ctx context.Context, id string, after uint64, opened func(), yield func(LogEntry) bool,
) (over *Executor, err error) {
	path, err := logPath(id)
	if err != nil {
		return nil, err
	}
	r := get(path)
	if after > 0 {
		r.lastEvent = strconv.FormatUint(after, 10)
	}
	var unreadable error
	err = c.events(ctx, r, opened, func(e event) bool {
		switch e.name {
		case "log":
			entry := LogEntry{Raw: e.data}
			if unreadable = json.Unmarshal(e.data, &entry); unreadable != nil {
				return false
			}
			return yield(entry)
		case "end":
			executor := Executor{Raw: e.data}
			if unreadable = json.Unmarshal(e.data, &executor); unreadable == nil {
				over = &executor
			}
			return false
		default:
			return true
		}
	})
	if err == nil && unreadable != nil {
		err = fmt.Errorf("the log of %s is not what cmed sends: %w", c.Server(), unreadable)
	}
	return over, err
}
