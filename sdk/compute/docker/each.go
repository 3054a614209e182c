package docker

import "sync"

// atOnce is how many calls of one order are under way at a time.
const atOnce = 8

// each calls do for all the ids, some at a time, and returns what came of each,
// in their order, when all have returned.
func each[T any](ids []string, do func(id string) (T, error)) ([]T, []error) {
	results, errs := make([]T, len(ids)), make([]error, len(ids))
	places := make(chan struct{}, atOnce)
	var calls sync.WaitGroup
	for i, id := range ids {
		places <- struct{}{}
		calls.Go(func() {
			defer func() { <-places }()
			results[i], errs[i] = do(id)
		})
	}
	calls.Wait()
	return results, errs
}
