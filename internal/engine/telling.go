package engine

import (
	"container/list"
	"sync"
)

// teller tells changes in the order in which the store made them. That is not
// the order in which the store's callers hear of it: writes that are committed
// together wake them in any. So a write takes its place in the line while the
// store, which does one after the other, applies it, and what it changed is told
// when it is committed and all before it are told or have failed.
type teller struct {
	tell func(Change)
	// telling lets one at a time tell. It is taken before mu.
	telling sync.Mutex

	mu   sync.Mutex
	line *list.List // of *news
}

// news is what one write has to tell, and its place in the line.
type news struct {
	teller  *teller
	element *list.Element // nil until it stands in the line
	ended   bool
	changes []Change
}

func newTeller(tell func(Change)) *teller { return &teller{tell: tell, line: list.New()} }

// write returns a place for a write. It must be ended.
func (t *teller) write() *news { return &news{teller: t} }

// stand takes the last place in the line. A write that is applied anew, because
// the transaction was, takes it anew.
func (n *news) stand() {
	n.teller.mu.Lock()
	defer n.teller.mu.Unlock()
	if n.element == nil {
		n.element = n.teller.line.PushBack(n)
	} else {
		n.teller.line.MoveToBack(n.element)
	}
}

// end says what the write has changed: nothing when it failed. It returns when
// that, and all that was to be told before, is told, unless it stands behind a
// write that has not ended.
func (n *news) end(changes ...Change) {
	if n.element == nil {
		if len(changes) == 0 {
			return
		}
		n.stand()
	}
	n.teller.mu.Lock()
	n.ended, n.changes = true, changes
	n.teller.mu.Unlock()
	n.teller.proceed()
}

// proceed tells the changes of the writes at the head of the line that have ended.
func (t *teller) proceed() {
	t.telling.Lock()
	defer t.telling.Unlock()
	for n := t.next(); n != nil; n = t.next() {
		for _, c := range n.changes {
			t.tell(c)
		}
	}
}

// next takes the first place out of the line if its write has ended.
func (t *teller) next() *news {
	t.mu.Lock()
	defer t.mu.Unlock()
	front := t.line.Front()
	if front == nil {
		return nil
	}
	n, _ := front.Value.(*news)
	if !n.ended {
		return nil
	}
	t.line.Remove(front)
	return n
}

// atOnce tells what is no write of the store and does not stand in line. collect
// is called when nobody else tells.
func (t *teller) atOnce(collect func() []Change) {
	t.telling.Lock()
	defer t.telling.Unlock()
	for _, c := range collect() {
		t.tell(c)
	}
}
