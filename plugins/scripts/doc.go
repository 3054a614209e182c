// Package scripts tests the scripts that come with cmed, in script_attacks. They
// are for run_script, which takes them to other machines, but run by hand as
// well. They need no more than a POSIX shell (dash, bash, busybox) and the usual
// commands.
//
// Each says in its head what it does, which variables it reads, and how it is
// taken back. All end by themselves within bounds, take back what they did when
// they are told to end, and called with CMED_UNDO=1 take back what an earlier
// run of the same CMED_JOB left when it was killed.
package scripts
