// Package failpoint marks the steps at which a daemon under test is made to
// die, fail or wait.
//
// The code calls Hit with a step's name. In a normal build Hit is an empty
// function that the compiler removes, and nothing of this package reads the
// environment. Built with the tag "failpoints", Hit does what CMED_FAILPOINTS
// says for that name. The variable is read once, when the process starts:
//
//	CMED_FAILPOINTS="engine/claimed=kill@3;store/commit=error(ENOSPC)@2+"
//
// Entries are separated by semicolons. An action is one of
//
//	kill                        the process sends itself SIGKILL
//	error(ENOSPC|EIO|EROFS)     Hit returns that error, wrapped
//	sleep(200ms)                Hit returns nil after that time
//
// and "@n" confines it to the n-th time the step is reached (without it, the
// first), "@n+" to that and all later ones. An entry that can't be read, or a
// name that is not listed here, ends the process with exit code 2 and says why.
package failpoint

// The steps. Each is hit by the package that its name starts with.
const (
	// StoreCommit is before a write transaction is committed.
	StoreCommit = "store/commit"
	// StoreCommitted is after a commit, before its callers are told.
	StoreCommitted = "store/committed"

	// HostBeforeStart is before the message that lets an attack run is sent.
	HostBeforeStart = "host/before-start"
	// HostAfterStart is right after that message.
	HostAfterStart = "host/after-start"
	// HostUndoReceived is when an undo record has come in from an attack.
	HostUndoReceived = "host/undo-received"
	// HostUndoStored is when that record is durable, before the attack knows.
	HostUndoStored = "host/undo-stored"
	// HostUndoAcked is right after the attack was told.
	HostUndoAcked = "host/undo-acked"
	// HostFinished is when an attack's result has come in.
	HostFinished = "host/finished"
	// HostUndoAnswer is when a plugin has answered an undo.
	HostUndoAnswer = "host/undo-answer"

	// EngineClaimed is when claims are durable, before anything is launched.
	EngineClaimed = "engine/claimed"
	// EngineBegun is when the right to start is taken, before the host runs.
	EngineBegun = "engine/begun"
	// EngineFinish is when a run is over, before its outcome is stored.
	EngineFinish = "engine/finish"
	// EngineFinished is when the outcome is stored.
	EngineFinished = "engine/finished"
	// EngineUndoAttempt is when an attempt to undo is on record, before the
	// plugin is called.
	EngineUndoAttempt = "engine/undo-attempt"
	// EngineUndoAnswer is when the attempt is answered, before that is stored.
	EngineUndoAnswer = "engine/undo-answer"
	// EngineUndoDone is when the answer is stored.
	EngineUndoDone = "engine/undo-done"
	// EngineLever is when the lever is engaged in memory, before it is stored.
	EngineLever = "engine/lever"
	// EngineLeverStored is when the engaged lever is stored.
	EngineLeverStored = "engine/lever-stored"
	// EngineReconciled is at start, after what a crash left was settled.
	EngineReconciled = "engine/reconciled"
	// EngineDeletion is when a deletion was accepted, before anything is deleted.
	EngineDeletion = "engine/deletion"
)

// Names returns the names of all steps, ordered as they are declared.
func Names() []string {
	return []string{
		StoreCommit, StoreCommitted,
		HostBeforeStart, HostAfterStart, HostUndoReceived, HostUndoStored,
		HostUndoAcked, HostFinished, HostUndoAnswer,
		EngineClaimed, EngineBegun, EngineFinish, EngineFinished,
		EngineUndoAttempt, EngineUndoAnswer, EngineUndoDone,
		EngineLever, EngineLeverStored, EngineReconciled, EngineDeletion,
	}
}
