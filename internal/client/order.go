package client

import (
	"cmp"
	"errors"
)

// The parameter that turns a list round.
const (
	orderParameter = "order"
	newestOrder    = "newest"
)

// ErrOldestFirst is returned, with a list, when a daemon was asked for the newest
// first and began with the oldest, since it does not know that order.
var ErrOldestFirst = errors.New("the daemon lists the oldest first")

// rises says whether a list that should fall by its key rises.
func rises[T any, K cmp.Ordered](list []T, key func(T) K) bool {
	return len(list) > 1 && cmp.Less(key(list[0]), key(list[len(list)-1]))
}
