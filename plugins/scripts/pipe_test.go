package scripts

import "testing"

// Nobody may listen any more when a connection was cut. What was done is taken
// back at its time all the same.
func TestTakesBackWhenNobodyListens(t *testing.T) {
	eachLasting(t, func(t *testing.T, w *world, script string, variables []string) {
		r := w.start(script, append([]string{"DURATION=1s"}, variables...)...)
		r.line()
		if err := r.closeOutput(); err != nil {
			t.Fatal(err)
		}
		_ = r.command.Wait()
		w.isClean()
	})
}
