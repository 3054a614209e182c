// Probe reaches one step three times and says what came of it. The test builds
// it with and without the tag.
package main

import (
	"fmt"

	"github.com/chaos-monkey-engine/cmed/internal/failpoint"
)

func main() {
	for range 3 {
		fmt.Println(failpoint.Hit(failpoint.EngineClaimed))
	}
}
