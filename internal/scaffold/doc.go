// Package scaffold writes the beginning of somebody's own attack or planner: a Go
// module that builds, passes its test and is found fit as it stands.
//
// What it writes are plain files to be changed; nothing must be kept in step with
// them. It never overwrites, and what it can't finish it takes away again.
package scaffold
