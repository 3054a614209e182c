package client

import (
	"context"
	"encoding/json"
	"net/http"
	"net/url"
	"strings"
	"time"
)

// Undo is one undo record.
type Undo struct {
	Raw json.RawMessage `json:"-"` // the document

	ID          string    `json:"id"`
	Executor    string    `json:"executor_id"`
	AttackRef   string    `json:"attack_ref"`
	State       string    `json:"state"`
	Description string    `json:"description"`
	Attempts    int       `json:"attempts"`
	Outcome     string    `json:"outcome"`
	Message     string    `json:"message"`
	Created     time.Time `json:"created"`
	// NextAttempt is when it is to be undone; zero: when somebody asks for it.
	NextAttempt time.Time `json:"next_attempt"`
	// Abandoned tells who gave it up and why; nil: nobody.
	Abandoned *struct {
		By     string `json:"by"`
		Reason string `json:"reason"`
	} `json:"abandoned"`
	Warnings []string `json:"_warnings"`
}

func (u *Undo) keep(raw json.RawMessage) { u.Raw = raw }

const undosPath = base + "/undos/"

// Undos lists the records in the states given; without states, those that are
// not undone.
func (c *Client) Undos(ctx context.Context, states ...string) ([]Undo, error) {
	query := url.Values{}
	setUnlessEmpty(query, "state", strings.Join(states, ","))
	records, _, err := list[Undo](ctx, c, undosPath, "undos", query, 0)
	return records, err
}

// AllUndos lists all records.
func (c *Client) AllUndos(ctx context.Context) ([]Undo, error) {
	records, _, err := list[Undo](ctx, c, undosPath, "undos", url.Values{"all": {"true"}}, 0)
	return records, err
}

// RetryUndo has a record executed now. It does not wait for the outcome.
func (c *Client) RetryUndo(ctx context.Context, id string) (Undo, error) {
	return c.undo(ctx, id, "retry", nil)
}

// AbandonUndo gives a record up: its effect is left in place.
func (c *Client) AbandonUndo(ctx context.Context, id, by, reason string) (Undo, error) {
	body, err := decision{by, reason}.body()
	if err != nil {
		return Undo{}, err
	}
	return c.undo(ctx, id, "abandon", body)
}

func (c *Client) undo(ctx context.Context, id, what string, body []byte) (Undo, error) {
	if err := checkID(id, "an undo record"); err != nil {
		return Undo{}, err
	}
	return one[Undo](ctx, c, request{method: http.MethodPost, path: undosPath + id + "/" + what, body: body})
}
