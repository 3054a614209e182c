// Package host runs plugins: it finds executables in two folders, learns what
// they offer, and makes each call (a run, a plan, an undo) in a process of its
// own. It is the only package that knows go-plugin and processes.
//
// A file seen in a folder is copied by content into the state folder and only
// that copy is executed, so files may be replaced or removed while they run.
// What a file offers is asked once and remembered by the copy's digest. Nothing
// a file does or says stops the host: it is listed with what is wrong with it.
//
// A process lives in its own group and folder, with an allow-listed
// environment, and every process descended from it carries a mark in its
// environment. When a call returns, its group, its marked descendants, its
// socket and its folder are gone. Every wait in here is bounded.
//
// What confines a process is set on the thread that forks it, or by the fork,
// and so is inherited by all it starts: no new privileges, no core files, a
// cgroup where there is one; for some plugins, as configured, another user and
// Landlock. What really does is read back and told.
//
// A Host with a Trial does the same with a plugin that nobody trusts yet, and
// tells what its processes do that their calls don't show, refused by a sandbox
// if that is wanted.
package host
