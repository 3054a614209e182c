// Package client calls the API of a cmed daemon, for the commands that do what
// a person at a terminal needs: pull the lever, post a plan, see to the undo
// records. It knows the documents, not how they are shown.
//
// Every call is bounded in time and in what it reads. What a daemon refuses is
// a *Refusal; a daemon that can't be asked is an *Unreachable; Passing says of either
// whether it may be over soon. Every write carries an Idempotency-Key. Redirects are
// not followed: a PUT must not become a GET on the way.
package client
