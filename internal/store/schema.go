package store

// bucket names one of the store's buckets.
type bucket int

// The buckets. Ids are 16 bytes, numbers 8 bytes big-endian, instants as timeKey
// writes them.
const (
	bucketMeta           bucket = iota // name -> text
	bucketPlans                        // plan -> engine.Plan
	bucketOpenPlans                    // plan, of those not executed
	bucketCounts                       // plan -> planCounts
	bucketHistory                      // ended, plan, of those that are executed; see history
	bucketExecutors                    // executor -> engine.Executor
	bucketExecutorIndex                // scope, state, due, executor; see executorKeys
	bucketRuns                         // executor -> engine.Run
	bucketLogs                         // executor, sequence -> engine.LogEntry
	bucketUndos                        // executor, sequence -> engine.UndoRecord but for its document
	bucketUndoDocuments                // executor, sequence -> the opaque document of an undo record
	bucketUndoIndex                    // state, executor, sequence, of undo records
	bucketUndoDue                      // due, executor, inverted sequence, of undo records
	bucketUndoTallies                  // executor -> engine.UndoCounts; see tally
	bucketReceipts                     // key -> engine.Receipt
	bucketReceiptsByTime               // created, key
	bucketGarbage                      // executor, of deleted ones with a run or log left
	bucketCache                        // key -> value
	bucketAccessKeys                   // key's id -> access.Key
	bucketAudit                        // number, time -> audit.Entry
	numberOfBuckets
)

var bucketNames = [numberOfBuckets]string{
	"meta", "plans", "open_plans", "counts", "history", "executors", "executor_index", "runs", "logs",
	"undos", "undo_documents", "undo_index", "undo_due", "undo_tallies", "receipts", "receipts_by_time",
	"garbage", "cache", "access_keys", "audit",
}

// fillPercent is how full bbolt leaves a page it splits, where keys come in, or
// nearly in, order: there is little to leave room for, and the records take half
// the space. The indexes by due time keep bbolt's default: filled to 0.9 they
// were a third larger when 100,000 executors came with random due times.
const fillPercent = 0.9

// The keys of the meta bucket.
var (
	metaVersion    = []byte("version")
	metaID         = []byte("id")
	metaLever      = []byte("lever")
	metaUndoTotals = []byte("undo_totals")
	metaStates     = []byte("executor_counts") // engine.State -> number
	metaProbe      = []byte("probe")           // when Writable tried last
	metaBackup     = []byte("backup")          // of a copy: backupMark
	metaHistory    = []byte("history_since")   // nothing is deleted for having ended before
)

var metaName = []byte(bucketNames[bucketMeta])
