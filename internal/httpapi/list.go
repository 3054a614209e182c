package httpapi

import (
	"context"
	"fmt"
	"net/http"

	"github.com/chaos-monkey-engine/cmed/internal/engine"
)

// chunk is how many elements of a complete list are read at once.
const chunk = 500

// pager reads up to limit elements from the cursor on and appends them to dst
// as JSON, with commas between.
type pager func(ctx context.Context, at engine.Cursor, limit int, dst []byte) ([]byte, engine.Cursor, error)

// listing is a list to be sent.
type listing struct {
	name string // of the member that holds it
	// embedded lists stand under _embedded too.
	embedded bool
	query    query
	pages    pager
}

// listLinks are the links of a list.
type listLinks struct {
	Self link  `json:"self"`
	Next *link `json:"next,omitempty"`
}

// sendList sends a page when the query has a limit, else the complete list.
//
// A complete list is sent chunk by chunk, each read afresh, so that neither the
// memory it takes nor the age of a read grows with it. An element that is moved
// meanwhile may be missed or appear twice; one that stays put does neither. It ends
// unfinished when the caller's key does.
// Where the list stands twice in the document, the second is the very bytes of
// the first, kept in a spool.
func (s *Server) sendList(w http.ResponseWriter, r *http.Request, l listing) error {
	limit, err := l.query.limit()
	if err != nil {
		return err
	}
	size, complete := limit, limit == 0
	if complete {
		size = chunk
	}
	// The first page is read before anything is sent: its errors are answers.
	page, next, err := l.pages(r.Context(), engine.Cursor(l.query.Get("cursor")), size, nil)
	if err != nil {
		return err
	}
	links := listLinks{Self: selfLink(r)}
	if !complete && next != "" {
		links.Next = &link{Href: nextHref(r, l.query, next)}
	}
	head, err := encode(links)
	if err != nil {
		return err
	}
	w.Header().Set("Content-Type", halType)
	w.WriteHeader(http.StatusOK)
	if r.Method == http.MethodHead {
		return nil
	}
	out := &listWriter{w: w}
	out.print(`{"_links":`, string(head), `,"`, l.name, `":[`)
	if l.embedded {
		out.copy = &spool{dir: s.cfg.SpoolDir}
		defer out.copy.Close() //nolint:errcheck // a file without a name
	}
	out.element(page)
	if complete {
		if err := s.sendRest(r.Context(), out, l, next, page); err != nil {
			return err
		}
	}
	out.end(l)
	return out.err
}

// sendRest sends all that follows the first chunk, whose bytes it uses again.
func (s *Server) sendRest(ctx context.Context, out *listWriter, l listing, next engine.Cursor, page []byte) (err error) {
	ctx, leave := s.sessions.enter(ctx)
	defer leave()
	for next != "" && out.err == nil {
		page, next, err = l.pages(ctx, next, chunk, page[:0])
		if ctx.Err() != nil {
			return context.Cause(ctx)
		}
		if err != nil {
			return fmt.Errorf("read on in %s: %w", l.name, err)
		}
		out.element(page)
	}
	return nil
}

// nextHref is the request's own path and query, from the cursor on.
func nextHref(r *http.Request, q query, next engine.Cursor) string {
	q.Set("cursor", string(next))
	return r.URL.EscapedPath() + "?" + q.Encode()
}

// appendComma appends a comma unless dst is empty.
func appendComma(dst []byte) []byte {
	if len(dst) == 0 {
		return dst
	}
	return append(dst, ',')
}

// listWriter writes a list and remembers the first error.
type listWriter struct {
	w     http.ResponseWriter
	copy  *spool // nil: keep none
	begun bool   // an element was written
	err   error
}

func (l *listWriter) print(parts ...string) {
	for _, part := range parts {
		l.write([]byte(part))
	}
}

// element writes elements that have commas between them.
func (l *listWriter) element(page []byte) {
	if len(page) == 0 {
		return
	}
	if l.begun {
		l.both([]byte{','})
	}
	l.begun = true
	l.both(page)
}

// end writes what follows the last element.
func (l *listWriter) end(of listing) {
	l.print(`]`)
	if of.embedded {
		l.print(`,"_embedded":{"`, of.name, `":[`)
		l.replay()
		l.print(`]}`)
	}
	l.print("}\n")
}

// both writes to the client and, if there is one, to the copy.
func (l *listWriter) both(p []byte) {
	l.write(p)
	if l.copy != nil && l.err == nil {
		_, l.err = l.copy.Write(p)
	}
}

// replay writes the copy to the client.
func (l *listWriter) replay() {
	if l.err == nil {
		_, l.err = l.copy.WriteTo(l.w)
	}
}

func (l *listWriter) write(p []byte) {
	if l.err == nil {
		_, l.err = l.w.Write(p)
	}
}
