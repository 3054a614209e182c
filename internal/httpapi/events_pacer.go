package httpapi

import "time"

// Readers are woken a few at a time, at most a thousand a second: those that write
// at once would take the processor from the very runs that they are to be told of.
// Measured, one that wakes, copies and writes costs some 50 us. What comes while
// others are woken is told together.
const (
	wokenAtOnce = 4
	wakingPause = 4 * time.Millisecond
	// gathering is how long, for each reader, more news is waited for before
	// they are woken: the more there are, the more must be told them at once.
	gathering    = 100 * time.Microsecond
	maxGathering = 100 * time.Millisecond
)

// pacer is a goroutine that wakes the readers of a feed: when there is news, and
// for a heartbeat. It lives as long as there are readers.
type pacer struct {
	feed *feed
	news chan struct{}
	quit chan struct{}
	done chan struct{} // closed when it has ended
}

func startPacer(f *feed, beat time.Duration) *pacer {
	p := &pacer{feed: f, news: make(chan struct{}, 1), quit: make(chan struct{}), done: make(chan struct{})}
	go func() {
		defer close(p.done)
		p.run(beat)
	}()
	return p
}

// tell has the readers woken. It never blocks.
func (p *pacer) tell() { poke(p.news) }

// stop ends it and waits for that.
func (p *pacer) stop() {
	close(p.quit)
	<-p.done
}

func (p *pacer) run(beat time.Duration) {
	ticker := time.NewTicker(beat)
	defer ticker.Stop()
	timer := time.NewTimer(0)
	defer timer.Stop()
	var readers []*reader
	for {
		beating := false
		select {
		case <-p.quit:
			return
		case <-ticker.C:
			beating = true
		case <-p.news:
		}
		clear(readers)
		readers = p.feed.appendReaders(readers[:0])
		if !beating && !p.wait(timer, min(time.Duration(len(readers))*gathering, maxGathering)) {
			return
		}
		if !p.wakeAll(readers, beating, timer) {
			return
		}
	}
}

// wakeAll wakes the readers one after the other, and says whether to go on.
func (p *pacer) wakeAll(readers []*reader, beating bool, timer *time.Timer) bool {
	woken := 0
	for _, r := range readers {
		if beating {
			r.beat.Store(true)
		}
		if !poke(r.wake) {
			continue // it has not come to what it was woken for before
		}
		if woken++; woken%wokenAtOnce == 0 && !p.wait(timer, wakingPause) {
			return false
		}
	}
	return true
}

// wait says whether to go on.
func (p *pacer) wait(timer *time.Timer, d time.Duration) bool {
	timer.Reset(d)
	select {
	case <-timer.C:
		return true
	case <-p.quit:
		return false
	}
}

// poke has who receives from c look again, and says whether it was not to be
// anyway. It never blocks.
func poke(c chan struct{}) bool {
	select {
	case c <- struct{}{}:
		return true
	default:
		return false
	}
}
