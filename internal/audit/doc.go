// Package audit is the daemon's memory of who did what to it.
//
// Every write that comes over the API, whatever its outcome, and every change of
// the lever, of the keys and of the plugins leaves one entry. Entries are only
// appended, and each carries the hash of the one before it, so that a change
// anywhere in the past shows. What the chain alone can't show is that its end was
// cut off: who wants to know that too keeps the last hash elsewhere, or exports
// the entries as they come.
//
// An entry names things by their ids. Of what was sent it repeats no more than the
// reason that somebody gave, which is for people, and the names of keys: no
// configs and no keys, so there are no secrets in it.
package audit
