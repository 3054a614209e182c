// Package sdk is what the author of a cmed plugin imports: attacks and planners
// are registered with Serve, which does the rest.
//
// # An attack
//
// An attack is a function that is called in a process of its own, at its time,
// with its args decoded into the author's struct, from which the JSON Schema of
// these args is derived too:
//
//	type Args struct {
//		Path string `json:"path" jsonschema:"description=File to create"`
//	}
//
//	func main() {
//		sdk.Serve(sdk.Attack[Args]{
//			Info: sdk.Info{Ref: "touch:Touch", Example: Args{Path: "/tmp/x"}},
//			Run:  touch,
//			Undo: remove,
//		})
//	}
//
// Harm is done inside Run.Do, which first has the host store, durably, a record
// of how to take it back:
//
//	func touch(ctx context.Context, args Args, run *sdk.Run) error {
//		return run.Do(ctx, args.Path, func(context.Context) error {
//			return os.WriteFile(args.Path, nil, 0o600)
//		})
//	}
//
// # How a run ends
//
// The context of a run ends when the host stops it, when the host is gone (the
// standard input closes) or when the process is told to terminate;
// context.Cause gives a *StopError. From then on Do and Record refuse, while
// logging, undoing (Record.Undone) and returning still work until the grace is
// over and the process is ended by force. What a run recorded and did not report
// as undone is undone by the host in a fresh process, through Undo.
//
// # Trying without harm
//
// A plan can ask for a dry run: all goes its usual way, but the attack does no
// harm and reports what it would do. An attack that can, declares it with
// Info.DryRun; for any other a dry run is refused. What is done inside Run.Do is
// then left out and logged. Everything else that does harm stands behind
// Run.DryRun:
//
//	if run.DryRun() {
//		run.Log().Info("dry run: the marker is not placed", "path", args.Path)
//		return nil
//	}
//
// Run.Record returns ErrDryRun then, so that forgetting this can't do harm when
// the record comes first, as it must.
//
// With Attack.Targets an attack also tells, outside any run, whom it would hit
// now. TargetsCall.Rand draws what Run.Rand would draw in the run asked about, so
// that a random choice made by the same code in both is the same choice.
//
// # Looking at a plan
//
// A schema says what args look like, not whether they make sense. With
// Attack.Check an attack looks at them when a plan is made, with its secrets and
// in its own environment: its warnings come with the answer, its error refuses
// the plan.
//
//	Check: func(_ context.Context, args Args, call *sdk.CheckCall) error {
//		if strings.HasSuffix(args.Path, "/") {
//			return sdk.Invalid("/path", "must be a file, not a folder")
//		}
//		if _, err := os.Stat(filepath.Dir(args.Path)); err != nil {
//			call.Warn("the file can't be made now: %v", err)
//		}
//		return nil
//	},
//
// # Testing
//
// Package sdktest runs an attack or a planner in a unit test, in the test's own
// process and with the code that serves a host: what it logs, hits, records and
// answers is on record, seed, id and time are fixed, and the args are checked
// against the schema on their way.
//
//	func TestTouchIsTakenBack(t *testing.T) {
//		args := Args{Path: filepath.Join(t.TempDir(), "x")}
//		run := sdktest.Run(t, attack, args)
//		if run.Failure != nil || len(run.Records) != 1 {
//			t.Fatalf("%+v", run)
//		}
//		for _, want := range []sdk.Outcome{sdk.Undone, sdk.NothingToDo} {
//			if undo := sdktest.Undo(t, attack, args, run.Records[0]); undo.Outcome != want {
//				t.Errorf("%+v", undo)
//			}
//		}
//	}
//
// The built file is tried with "cmed plugin check", which knows nothing of its
// code, and run by hand with "cmed plugin run".
//
// # A catalogue
//
// A plugin that learns only when it runs what it has to offer, from the files of
// a folder say, is served with ServeCatalogue. Catalogue.List is asked for a
// description only, Catalogue.Find on the way to a call. What List can't offer is
// a warning, which the operator sees; a change of what Catalogue.Watch names has
// the host ask again. An offer whose config is not {ref, args} describes whole
// configs with Info.Whole, and reads them from Run.Config and its like.
//
// # What a process has
//
// A process finds itself in an environment of its own: what the attack asks for
// with Info.Env and the operator grants it, and a private folder as HOME and
// TMPDIR, unless HOME is granted. ScriptsFolder says where the operator keeps
// scripts.
//
// # Output
//
// Log with Run.Log. What is printed to os.Stdout and os.Stderr anyway goes to
// the process's standard error, which the host drains into the run's log; it
// can neither block the run for long nor disturb the protocol. The exception is
// what is printed before Serve is called, in an init function say: standard
// output then belongs to the handshake, so don't.
//
// # What stays
//
// The protocol is version 1. Within it there are only additions, which either
// side ignores when it doesn't know them: a plugin that was built once goes on
// working with newer hosts. The SDK follows semantic versioning: within a major
// version, what compiles goes on compiling and does what it did. As with Go
// itself, literals of structs must name their fields. Internal packages, and what
// is printed for people, are not meant. docs/authors/compatibility.md has all of
// it.
package sdk

// Version is the version of this SDK, as descriptions name it.
const Version = "0.2.0"
