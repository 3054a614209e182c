// Package quiet knows the hours and dates in which nothing may start. It turns
// what the operator writes, windows of the wall clock and whole dates in one
// zone, into spans of instants, and answers whether an instant lies in one and
// when the next one begins.
//
// A window belongs to the day it begins on. Where the wall clock jumps, quiet
// errs on the long side: a boundary in a gap is the first instant after it, and
// an hour that comes twice is quiet in full, from its first beginning to its
// last end.
package quiet
