package main

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"sync"
	"sync/atomic"
	"time"
)

// audience is readers of a daemon's events. The even ones count what they get,
// the others take nothing.
type audience struct {
	connections []net.Conn
	counters    []*eventCounter
	reading     sync.WaitGroup
}

// gather opens so many streams.
func (a *audience) gather(ctx context.Context, base string, n int) error {
	host := strings.TrimPrefix(base, "http://")
	for i := range n {
		var dialer net.Dialer
		c, err := dialer.DialContext(ctx, "tcp", host)
		if err != nil {
			return fmt.Errorf("open event stream %d: %w", i+1, err)
		}
		a.connections = append(a.connections, c)
		if _, err := fmt.Fprintf(c, "GET /api/1/events/ HTTP/1.1\r\nHost: %s\r\n\r\n", host); err != nil {
			return fmt.Errorf("open event stream %d: %w", i+1, err)
		}
		if i%2 == 0 {
			counter := &eventCounter{}
			a.counters = append(a.counters, counter)
			a.reading.Go(func() { counter.read(c) })
		}
	}
	return nil
}

// leave closes all streams and waits for who reads them.
func (a *audience) leave() error {
	var err error
	for _, c := range a.connections {
		err = errors.Join(err, c.Close())
	}
	a.reading.Wait()
	return err
}

// await waits until each that reads has got so many events.
func (a *audience) await(ctx context.Context, want int) error {
	ctx, cancel := context.WithTimeout(ctx, drain)
	defer cancel()
	for _, counter := range a.counters {
		for int(counter.events.Load()) < want {
			if err := pause(ctx, 10*time.Millisecond); err != nil {
				return fmt.Errorf("a reader has got %d events of %d: %w", counter.events.Load(), want, err)
			}
		}
	}
	return nil
}

// eventCounter counts the events of one stream.
type eventCounter struct{ events atomic.Int64 }

var eventName = []byte("\nevent: ")

// read counts until the stream ends.
func (e *eventCounter) read(c net.Conn) {
	response, err := http.ReadResponse(bufio.NewReader(c), nil)
	if err != nil {
		return // it is missed in what it counts
	}
	defer response.Body.Close() //nolint:errcheck // nothing was written
	if response.StatusCode != http.StatusOK {
		return
	}
	e.count(response.Body)
}

func (e *eventCounter) count(from io.Reader) {
	buf := make([]byte, 16<<10)
	carried := 0 // bytes at the begin of buf that a name may begin in
	for {
		n, err := from.Read(buf[carried:])
		seen := buf[:carried+n]
		e.events.Add(int64(bytes.Count(seen, eventName)))
		carried = copy(buf, seen[max(0, len(seen)-len(eventName)+1):])
		if err != nil {
			return
		}
	}
}
