// Package access says who may do what.
//
// A caller is known by how it came: over the unix socket in the state folder it
// is the administrator of this machine; over TCP it is whoever the API key in
// its request belongs to. Each key has a role, and each thing the API can do
// asks for one. As long as no key has ever been made, callers over loopback may
// do everything, as the Chaos Monkey Engine's own users expect; from the first
// key on that is over.
//
// The package knows nothing of HTTP. Keys are kept by a Store as hashes; the
// secret of a key exists only in the answer to its making.
package access
