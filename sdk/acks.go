package sdk

import (
	"errors"
	"sync"

	"github.com/chaos-monkey-engine/cmed/sdk/pluginv1"
)

// ackLedger matches the host's acknowledgements with the undo records that wait
// for them.
type ackLedger struct {
	// order keeps records going out in the order of their sequence. It is held
	// while one is sent; mu never is, so that acknowledgements come in meanwhile.
	order sync.Mutex
	last  uint64

	mu      sync.Mutex
	waiting map[uint64]chan<- error
	closed  bool
}

// expect sends the next record and returns the channel on which its one answer
// comes: nil when the record is durable.
func (l *ackLedger) expect(send func(sequence uint64) error) (uint64, <-chan error, error) {
	l.order.Lock()
	defer l.order.Unlock()
	sequence := l.last + 1
	answer := make(chan error, 1)
	if !l.enter(sequence, answer) {
		return 0, nil, errNoAnswer
	}
	l.last = sequence
	if err := send(sequence); err != nil {
		l.settle(sequence, err)
		return 0, nil, err
	}
	return sequence, answer, nil
}

func (l *ackLedger) enter(sequence uint64, answer chan<- error) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.closed {
		return false
	}
	if l.waiting == nil {
		l.waiting = map[uint64]chan<- error{}
	}
	l.waiting[sequence] = answer
	return true
}

// acknowledge passes on the host's answer to one record. An answer that nobody
// waits for is ignored.
func (l *ackLedger) acknowledge(ack *pluginv1.UndoAck) {
	var err error
	if reason := ack.GetError(); reason != "" {
		err = errors.New(reason)
	}
	l.settle(ack.GetSequence(), err)
}

func (l *ackLedger) settle(sequence uint64, err error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if answer, ok := l.waiting[sequence]; ok {
		answer <- err
		delete(l.waiting, sequence)
	}
}

// close answers everything that still waits: nothing more will come.
func (l *ackLedger) close() {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.closed = true
	for sequence, answer := range l.waiting {
		answer <- errNoAnswer
		delete(l.waiting, sequence)
	}
}
