package client

import (
	"context"
	"encoding/json"
	"fmt"
	"net/url"
	"strconv"
	"strings"
)

// document is a type of the API's documents, which keeps itself as it came.
type document[T any] interface {
	*T
	keep(raw json.RawMessage)
}

// one makes a call that answers with one document.
func one[T any, P document[T]](ctx context.Context, c *Client, r request) (doc T, err error) {
	raw, err := c.call(ctx, r, &doc)
	P(&doc).keep(raw)
	return doc, err
}

const (
	// pageSize is how many elements of a list are asked for at once.
	pageSize = 500
	// maxPages bounds a list.
	maxPages = 10000
)

// list reads a list page by page, at most limit elements (0: all). more says
// whether there are others.
func list[T any, P document[T]](
	ctx context.Context, c *Client, path, member string, query url.Values, limit int,
) (all []T, more bool, err error) {
	size := pageSize
	if limit > 0 {
		size = min(limit, pageSize)
	}
	query.Set("limit", strconv.Itoa(size))
	path += "?" + query.Encode()
	for range maxPages {
		page, next, err := page[T, P](ctx, c, path, member)
		if err != nil {
			return nil, false, err
		}
		all = append(all, page...)
		if limit > 0 && len(all) >= limit {
			return all[:limit], next != "" || len(all) > limit, nil
		}
		if next == "" {
			return all, false, nil
		}
		path = next
	}
	return nil, false, fmt.Errorf("the list of %s of %s does not end", member, c.Server())
}

// page reads one page. next is where the list goes on, "" at its end.
func page[T any, P document[T]](ctx context.Context, c *Client, path, member string) (items []T, next string, err error) {
	var doc map[string]json.RawMessage
	if _, err := c.call(ctx, get(path), &doc); err != nil {
		return nil, "", err
	}
	var elements []json.RawMessage
	var links struct {
		Next *link `json:"next"`
	}
	if err := parseMember(doc[member], &elements); err != nil {
		return nil, "", fmt.Errorf("read the list of %s of %s: %w", member, c.Server(), err)
	}
	if err := parseMember(doc["_links"], &links); err != nil {
		return nil, "", fmt.Errorf("read the links of the %s of %s: %w", member, c.Server(), err)
	}
	items = make([]T, len(elements))
	for i, raw := range elements {
		if err := json.Unmarshal(raw, &items[i]); err != nil {
			return nil, "", fmt.Errorf("read one of the %s of %s: %w", member, c.Server(), err)
		}
		P(&items[i]).keep(raw)
	}
	if links.Next == nil {
		return items, "", nil
	}
	if !strings.HasPrefix(links.Next.Href, "/") {
		return nil, "", fmt.Errorf("the list of %s goes on at %q, which is not a path", member, links.Next.Href)
	}
	return items, links.Next.Href, nil
}

// parseMember reads a member of a document, which may be missing.
func parseMember(raw json.RawMessage, into any) error {
	if raw == nil {
		return nil
	}
	return json.Unmarshal(raw, into)
}

type link struct {
	Href string `json:"href"`
}

// checkID refuses what would make another path.
func checkID(id, what string) error {
	if id == "" || strings.ContainsAny(id, "/?#%") {
		return fmt.Errorf("%q is not the id of %s", id, what)
	}
	return nil
}

// setUnlessEmpty sets a parameter that has a value.
func setUnlessEmpty(query url.Values, name, value string) {
	if value != "" {
		query.Set(name, value)
	}
}

// withQuery puts the query, if it has anything, behind a path.
func withQuery(path string, query url.Values) string {
	if len(query) == 0 {
		return path
	}
	return path + "?" + query.Encode()
}
