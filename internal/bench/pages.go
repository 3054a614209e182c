package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/url"
	"time"
)

// pageRounds is how often each page is read.
const pageRounds = 200

// list is one way to list. The page it begins with is full in every store.
type list struct {
	name   string
	member string // of the document, that holds the elements
	// open lists are compared with a store in which nothing has run.
	open bool
	path func(p probe) string
}

var lists = []list{
	{"executors (pending)", "executors", true, executorsWith("")},
	{"executors?executed=true", "executors", false, executorsWith("executed=true")},
	{"executors?plan_id", "executors", false, func(p probe) string {
		return executorsWith("executed=true&plan_id=" + string(p.plan))(p)
	}},
	{"executors?state", "executors", false, executorsWith("state=succeeded")},
	{"executors?attack_ref", "executors", false, executorsWith("executed=true&attack_ref=" + url.QueryEscape(shippedRef))},
	{"executors?from&to", "executors", false, func(p probe) string {
		return executorsWith("executed=true&from=" + p.from.Format(time.RFC3339) + "&to=" + p.to.Format(time.RFC3339))(p)
	}},
	{"plans (not executed)", "plans", true, func(probe) string { return fmt.Sprintf("plans/?limit=%d", page) }},
	{"plans?all=true", "plans", true, func(probe) string { return fmt.Sprintf("plans/?all=true&limit=%d", page) }},
}

func executorsWith(query string) func(probe) string {
	return func(probe) string { return fmt.Sprintf("executors/?limit=%d&%s", page, query) }
}

// measurePages reads the same page from stores of several sizes in turn.
func measurePages(ctx context.Context, w *world) (rows []row, err error) {
	sizes := []int{10_000}
	if w.most() > sizes[0] {
		sizes = append(sizes, w.most())
	}
	shapes := []shape{pageOfPending(), pageOfFinal()}
	for _, size := range sizes {
		shapes = append(shapes, mixed(size))
	}
	var shelves []*shelf
	defer func() {
		for _, s := range shelves {
			err = errors.Join(err, s.close())
		}
	}()
	for _, shape := range shapes {
		s, err := w.openShelf(ctx, shape)
		if err != nil {
			return nil, err
		}
		shelves = append(shelves, s)
	}
	pending, final := shelves[0], shelves[1]
	for _, l := range lists {
		w.note("pages: %s", l.name)
		small := final
		if l.open {
			small = pending
		}
		compared := append([]*shelf{small}, shelves[2:]...)
		samples, err := readInTurn(ctx, compared, l, w.times(pageRounds))
		if err != nil {
			return rows, fmt.Errorf("%s: %w", l.name, err)
		}
		for i, size := range sizes {
			rows = append(rows, newRow(fmt.Sprintf("pages of %s, %s stored", l.name, thousands(size)), rate(samples[i+1].median()),
				"the same with 100 stored", rate(samples[0].median())).atMost(1.5))
		}
	}
	return rows, nil
}

// shelf is a daemon with a store that is read from.
type shelf struct {
	server *server
	client *client
	probe  probe
}

func (w *world) openShelf(ctx context.Context, s shape) (*shelf, error) {
	path, err := w.seeded(ctx, s)
	if err != nil {
		return nil, err
	}
	server, err := w.startDaemon(ctx, w.shipped(path))
	if err != nil {
		return nil, err
	}
	return &shelf{server: server, client: newClient(server), probe: s.probe}, nil
}

func (s *shelf) close() error {
	s.client.close()
	return s.server.stop()
}

// readInTurn reads the list's first page from each shelf, again and again.
func readInTurn(ctx context.Context, shelves []*shelf, l list, rounds int) ([]sample, error) {
	for _, s := range shelves {
		if err := s.check(ctx, l); err != nil {
			return nil, err
		}
	}
	samples := make([]sample, len(shelves))
	for round := range rounds {
		for i := range shelves {
			i = (i + round) % len(shelves)
			begin := time.Now()
			if err := shelves[i].client.get(ctx, l.path(shelves[i].probe), io.Discard); err != nil {
				return nil, err
			}
			samples[i] = append(samples[i], time.Since(begin))
		}
	}
	return samples, nil
}

// check makes sure that the page is full: only then is it the same everywhere.
func (s *shelf) check(ctx context.Context, l list) error {
	var answer bytes.Buffer
	if err := s.client.get(ctx, l.path(s.probe), &answer); err != nil {
		return err
	}
	var document map[string]json.RawMessage
	var elements []json.RawMessage
	if err := json.Unmarshal(answer.Bytes(), &document); err != nil {
		return err
	}
	if err := json.Unmarshal(document[l.member], &elements); err != nil {
		return fmt.Errorf("read %q: %w", l.member, err)
	}
	if len(elements) != page {
		return fmt.Errorf("a page has %d elements, not %d", len(elements), page)
	}
	return nil
}
