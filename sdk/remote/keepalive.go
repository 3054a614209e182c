package remote

import (
	"fmt"
	"time"
)

// How often a machine is asked whether it is still there, and how many questions
// may stay open until it counts as dead. OpenSSH's ServerAliveCountMax is 3 too.
var aliveInterval = 15 * time.Second

const aliveMissed = 3

// keepAlive asks the machine regularly, so that a connection to a dead one ends.
// The question is OpenSSH's; a server that doesn't know it answers too, with a
// refusal (RFC 4254, 4).
func (c *Client) keepAlive() {
	tick := time.NewTicker(aliveInterval)
	defer tick.Stop()
	answers := make(chan error, 1)
	open, missed := false, 0
	for {
		select {
		case <-c.dead:
			return
		case err := <-answers:
			if err != nil {
				return // the connection has ended
			}
			open, missed = false, 0
		case <-tick.C:
			if open {
				missed++
			}
			if missed == aliveMissed {
				c.giveUp(fmt.Errorf("no answer for %s", aliveMissed*aliveInterval))
				return
			}
			if !open {
				open = c.spawn(func() {
					_, _, err := c.conn.SendRequest("keepalive@openssh.com", true, nil)
					answers <- err
				})
			}
		}
	}
}

// giveUp ends the connection from this side.
func (c *Client) giveUp(why error) {
	c.mu.Lock()
	c.why = why
	c.mu.Unlock()
	_ = c.conn.Close()
}
