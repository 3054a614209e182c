package store

import "sync"

// spoiltError tells of a plan or an undo record that can't be deleted, since what
// is stored of it can't be read.
type spoiltError struct {
	key []byte
	err error
}

func (e *spoiltError) Error() string { return e.err.Error() }
func (e *spoiltError) Unwrap() error { return e.err }

// spoilt are the keys of what can't be deleted: it is tried once, and left alone
// until the store is opened again, so that it does not keep the rest from going.
type spoilt struct {
	mu   sync.Mutex
	keys map[string]bool
}

func (s *spoilt) add(key []byte) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.keys == nil {
		s.keys = map[string]bool{}
	}
	s.keys[string(key)] = true
}

func (s *spoilt) has(key []byte) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.keys[string(key)]
}
