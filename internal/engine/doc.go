// Package engine is the domain of cmed: plans, executors and their states, the
// scheduler, the life of a run, and the undo ledger.
//
// A Plan is turned by a planner into Executors; the scheduler claims each one
// shortly before it is due, has the Host launch a process for it and lets the
// process start at the due instant; what happened is a Run. Every harm a run
// announces is an UndoRecord, durable before the harm, taken back when the run
// does not end well.
//
// The engine declares the two ports it needs, Store and Host, and knows neither
// bbolt nor go-plugin nor HTTP. Surfaces call the methods of Engine; adapters
// share the types of this package. All times inside are UTC.
package engine
