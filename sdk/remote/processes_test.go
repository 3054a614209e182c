package remote_test

import (
	"bytes"
	"os"
	"path/filepath"
	"strconv"
	"testing"

	"github.com/chaos-monkey-engine/cmed/internal/sshtest"
	"github.com/chaos-monkey-engine/cmed/sdk/remote"
)

// jobProcesses returns the pids of what is alive of a job.
func jobProcesses(j remote.Job) []int {
	files, _ := filepath.Glob("/proc/[0-9]*/environ")
	var pids []int
	for _, file := range files {
		environ, _ := os.ReadFile(file)
		for entry := range bytes.SplitSeq(environ, []byte{0}) {
			if string(entry) == "CMED_JOB="+j.Key {
				pid, _ := strconv.Atoi(filepath.Base(filepath.Dir(file)))
				pids = append(pids, pid)
			}
		}
	}
	return pids
}

// nothingRuns waits until the machine runs nothing: the shells that waited for a
// job end a little after it.
func nothingRuns(t *testing.T, a sshtest.Access) {
	t.Helper()
	eventually(t, "nothing runs on the machine", func() bool { return len(a.Processes()) == 0 })
}
