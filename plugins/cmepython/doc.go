// Package cmepython serves the Python modules that people wrote for the Chaos
// Monkey Engine: attack and planner classes in a folder beside the plugin file.
//
// Every call starts a python3 of its own. It gets the shim, a small package
// chaosmonkey written anew, in a private folder, reads its request from a pipe,
// and tells what happens over another; what modules print and log reaches the
// run's log. The process leads a group of its own, which is gone when the call is
// over. When the plugin dies, the request pipe closes and python ends itself.
//
// The two plugins, of attacks and of planners, are Attacks and Planners with a
// main function around them.
package cmepython
