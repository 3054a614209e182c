package httpapi

import "cmp"

// EventsConfig bounds the stream of events. Zero values mean the defaults given.
type EventsConfig struct {
	// Kept is how much of the past is kept for readers that have lost their
	// connection, in bytes. Default 4 MiB: some 5,000 changes.
	Kept int
	// MaxReaders bounds the readers at the same time. Default 2,000.
	MaxReaders int
}

func (c EventsConfig) withDefaults() EventsConfig {
	c.Kept = cmp.Or(c.Kept, 4<<20)
	c.MaxReaders = cmp.Or(c.MaxReaders, 2000)
	return c
}

// EventReaders tells of the readers of the event stream.
type EventReaders struct {
	// Readers is how many there are.
	Readers int
	// Published counts the events since the server was made.
	Published uint64
	// Behind counts readers that were dropped because what they had not read was
	// no longer kept, Stuck those that took nothing for as long as one write may
	// take.
	Behind, Stuck uint64
}

// EventReaders tells how many read the events, and how many were dropped.
func (s *Server) EventReaders() EventReaders { return s.feed.count() }
