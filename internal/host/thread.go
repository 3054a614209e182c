package host

import "runtime"

// onOwnThread calls f in a goroutine on a thread of its own, which ends with it:
// what f does to the thread stays with it. It is never the process's main
// thread, which can't end, and by which the kernel shows the process.
func onOwnThread(f func()) {
	go func() {
		runtime.LockOSThread() // not unlocked: that ends the thread
		if !onMainThread() {
			f()
			return
		}
		begun := make(chan struct{})
		onOwnThread(func() {
			close(begun)
			f()
		})
		<-begun // this thread can't be taken for f until it has another
		runtime.UnlockOSThread()
	}()
}
