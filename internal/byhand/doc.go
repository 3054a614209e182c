// Package byhand runs one attack, or asks one planner, from one plugin file, as
// the daemon would: in the real host, with its checks, its words and its limits,
// but for one person who watches.
//
// Each run has a private folder of its own. What the run is stands in it before
// the run begins, and every undo record before the plugin may do the harm, so
// that nothing is lost when this process is killed in the middle: Undo takes it
// up from the folder alone. A folder that has nothing left to undo is removed.
//
// There is no engine in here and no daemon is disturbed. One process at a time
// has a folder, by a lock that ends with it.
package byhand
