package client

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"time"
)

// Undo is one undo record.
type Undo struct {
	Raw json.RawMessage `json:"-"` // the document

	ID          string    `json:"id"`
	AttackRef   string    `json:"attack_ref"`
	State       string    `json:"state"`
	Description string    `json:"description"`
	Attempts    int       `json:"attempts"`
	Outcome     string    `json:"outcome"`
	Message     string    `json:"message"`
	Created     time.Time `json:"created"`
	// Abandoned tells who gave it up and why; nil: nobody.
	Abandoned *struct {
		By     string `json:"by"`
		Reason string `json:"reason"`
	} `json:"abandoned"`
	Warnings []string `json:"_warnings"`
}

const (
	undosPath = base + "/undos/"
	// undoPage is how many records are asked for at once.
	undoPage = 500
	// maxUndoPages bounds a list.
	maxUndoPages = 2000
)

// Undos lists the records in the states given; without states, those that are
// not undone.
func (c *Client) Undos(ctx context.Context, states ...string) ([]Undo, error) {
	query := url.Values{"limit": {fmt.Sprint(undoPage)}}
	if len(states) > 0 {
		query.Set("state", strings.Join(states, ","))
	}
	return c.listUndos(ctx, query)
}

// AllUndos lists all records.
func (c *Client) AllUndos(ctx context.Context) ([]Undo, error) {
	return c.listUndos(ctx, url.Values{"limit": {fmt.Sprint(undoPage)}, "all": {"true"}})
}

// listUndos reads all pages.
func (c *Client) listUndos(ctx context.Context, query url.Values) ([]Undo, error) {
	path := undosPath + "?" + query.Encode()
	var all []Undo
	for range maxUndoPages {
		var page struct {
			Undos []json.RawMessage `json:"undos"`
			Links struct {
				Next *link `json:"next"`
			} `json:"_links"`
		}
		if _, err := c.call(ctx, request{method: http.MethodGet, path: path}, &page); err != nil {
			return nil, err
		}
		for _, raw := range page.Undos {
			u := Undo{Raw: raw}
			if err := json.Unmarshal(raw, &u); err != nil {
				return nil, fmt.Errorf("read an undo record of %s: %w", c.Server(), err)
			}
			all = append(all, u)
		}
		if page.Links.Next == nil {
			return all, nil
		}
		if path = page.Links.Next.Href; !strings.HasPrefix(path, "/") {
			return nil, fmt.Errorf("the list of undo records goes on at %q, which is not a path", path)
		}
	}
	return nil, fmt.Errorf("there are more than %d undo records", maxUndoPages*undoPage)
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

func (c *Client) undo(ctx context.Context, id, what string, body []byte) (u Undo, err error) {
	if id == "" || strings.ContainsAny(id, "/?#%") {
		return u, errors.New("that is not the id of an undo record")
	}
	u.Raw, err = c.call(ctx, request{method: http.MethodPost, path: undosPath + id + "/" + what, body: body}, &u)
	return u, err
}
