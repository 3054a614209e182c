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
const pageRounds = 300

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
	shelves, err := w.openShelves(ctx, sizes)
	defer func() {
		for _, s := range shelves {
			err = errors.Join(err, s.close())
		}
	}()
	if err != nil {
		return nil, err
	}
	for _, l := range lists {
		w.note("pages: %s", l.name)
		small := shelves[1]
		if l.open {
			small = shelves[0]
		}
		samples, err := readInTurn(ctx, append([]*shelf{small}, shelves[2:]...), l, w.times(pageRounds))
		if err != nil {
			return rows, fmt.Errorf("%s: %w", l.name, err)
		}
		for i, size := range sizes {
			rows = append(rows, pageRow(l, size, samples[i+1], samples[0]))
		}
	}
	return rows, nil
}

func pageRow(l list, size int, measured, small sample) row {
	what := fmt.Sprintf("pages of %s, %s stored", l.name, thousands(size))
	return newRow(what, rate(measured.median()), "the same with 100 stored", rate(small.median())).atMost(1.5)
}

// shelf is a daemon with a store that is read from.
type shelf struct {
	server *server
	client *client
	probe  probe
}

// openShelves opens a page of pending executors, a page of final ones, and
// mixed stores of the sizes given. Those it returns are to be closed even when
// there is an error.
func (w *world) openShelves(ctx context.Context, sizes []int) ([]*shelf, error) {
	stores := []func() (seededStore, error){
		func() (seededStore, error) { return w.seeded(ctx, "a page of pending", pageOfPending) },
		func() (seededStore, error) { return w.seeded(ctx, "a page of final", pageOfFinal) },
	}
	for _, size := range sizes {
		stores = append(stores, func() (seededStore, error) { return w.mixedStore(ctx, size) })
	}
	var shelves []*shelf
	for _, open := range stores {
		store, err := open()
		if err != nil {
			return shelves, err
		}
		server, err := w.startDaemon(ctx, w.shipped(store.path))
		if err != nil {
			return shelves, err
		}
		shelves = append(shelves, &shelf{server: server, client: newClient(server), probe: store.probe})
	}
	return shelves, nil
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
