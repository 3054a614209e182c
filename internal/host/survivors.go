package host

import "time"

// survivalBound is how long what a process started may take to end with it
// before it is said to have survived: it may have been told to go, and be going.
const survivalBound = 100 * time.Millisecond

// tellSurvivors tells of processes that are still there when the leader has
// ended. What the host itself has killed is none.
func (c *child) tellSurvivors() {
	deadline := time.Now().Add(survivalBound)
	for wait := time.Millisecond; ; wait *= 2 {
		left := c.survivors()
		if len(left) == 0 {
			return
		}
		if time.Now().After(deadline) {
			for _, command := range left {
				c.tell(SawProcess, command)
			}
			return
		}
		time.Sleep(wait)
	}
}
