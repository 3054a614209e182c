// Package store keeps plans, executors, runs, logs, undo records and receipts
// in one bbolt file. It is the engine's Store; besides, it offers a small cache
// for whoever reads plugin binaries.
//
// # Records and indexes
//
// Each kind of record has a bucket of its own, keyed by id, with the engine's
// types as JSON. Every list is the walk of an index that is written in the same
// transaction as the records, so a page costs what it shows and not what is
// stored. Executors have one index,
//
//	scope | state or "all" | due | id
//
// where the scope is everything, one plan, or one attack ref; a query over
// several states is the merge of their walks. The scheduled part of the widest
// scope is what the scheduler reads. How many executors a plan has, and how far
// they are, is kept beside the plan, whose own record is large and never
// written again.
//
// Undo records have an index by state and one by due time. The opaque document
// of a record is stored beside it and once, however often its state changes. How
// many records an executor has in each state is kept as a tally, and in total
// over all, so that a write of one record reads no other.
//
// # Writes
//
// All writes go through one goroutine, the committer. It takes whatever waits
// and commits it in one transaction, without ever waiting for more: a lone
// write is not delayed, and under load one fsync serves many. A write that
// fails takes nothing of the others with it. The lever goes before all others,
// and small writes before bulky ones, though for half a second at most.
//
// # A full disk
//
// The file is kept allocated beyond its data, and a reserve of that is left to
// the writes that must get through when the disk is full: the lever, outcomes,
// deletions. The others are refused then, as a whole and before anything is
// written. A commit that fails, for whatever reason, leaves the store as it was
// and usable, and everything works again when the cause is gone; see room.
//
// # Deletions
//
// A deletion is one transaction that takes the plan, its executors, their index
// entries and their undo records; from then on nothing of it can be seen or
// become due. What can be long, the logs, is noted there as garbage and removed
// afterwards by the committer in small steps when it has nothing else to do,
// across restarts if need be.
//
// # Rules
//
// Times are stored in UTC; due instants are whole microseconds, cut off. What
// is returned is a copy. No read transaction is open while a caller's code
// runs, except the functions passed in, which must not call the store.
package store
