// Package cgroup gives each plugin process a control group of its own, of
// version 2 (the kernel's Documentation/admin-guide/cgroup-v2.rst).
//
// A Tree is a folder of groups beneath a cgroup that was delegated to the
// daemon; a Group is made before its process, which is born into it, and is
// ended with all that is in it, whatever session or environment those processes
// gave themselves. Nothing outside a delegated cgroup is ever written to.
package cgroup

// Limits bound what the processes of one group use together. 0 is no limit.
type Limits struct {
	Memory    int64 // bytes; swap is not given then
	Processes int   // threads count too
}
