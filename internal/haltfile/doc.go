// Package haltfile is the halt switch that works without the API: a file that
// halts the daemon by being there. Anybody who may write in its folder can make
// it with touch(1), and what it says, if anything, is the reason.
//
// The file's existence is all that counts. It is never a reason to start
// anything that it can't be read, that it is empty, a folder, or a link to
// nowhere.
package haltfile
