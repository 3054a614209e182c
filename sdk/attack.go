package sdk

import (
	"context"
	"encoding/json"
	"reflect"
)

// Attack offers an attack whose args are a T.
type Attack[T any] struct {
	Info
	// Run is the attack. Its error, or its panic, makes the run a failed one.
	// It returns soon after ctx has ended; see the package comment.
	Run func(ctx context.Context, args T, run *Run) error
	// Undo takes back one harm that Run recorded, in a process that knows
	// nothing of the run but the args and the record. It may be called when the
	// harm never happened, half happened, was already undone, or was changed
	// since by somebody else: it checks that the effect is still its own. It is
	// optional.
	Undo func(ctx context.Context, args T, call *UndoCall) (Outcome, error)
	// Targets says whom Run would hit, were it called now with the same args and
	// the same seed. It does no harm. What is wrong with the config is best said
	// with Invalid. It is optional.
	//
	// Where Run chooses at random, share the code that chooses: it lists the
	// candidates in an order that doesn't change by itself (sorted, not as a
	// cloud or a map happens to give them) and is the first to draw from Rand,
	// of which both calls have one with the same seed.
	Targets func(ctx context.Context, args T, call *TargetsCall) ([]Target, error)
	// Check looks at the args when a plan is made, for what a schema can't say:
	// what will not work as things are now is a warning (CheckCall.Warn), what
	// can never work is an error, best made with Invalid, and the plan is
	// refused. It is quick and does no harm. It is optional.
	//
	// Run relies on nothing of it: a panic or an answer that takes too long (10
	// seconds) doesn't keep a plan from being made, things may have changed since,
	// and args that a planner gives single executions are not checked.
	Check func(ctx context.Context, args T, call *CheckCall) error
}

// Attacker is an attack as a type.
type Attacker[T any] interface {
	Run(ctx context.Context, args T, run *Run) error
}

// Undoer is an Attacker that can take its harm back. See Attack.Undo.
type Undoer[T any] interface {
	Undo(ctx context.Context, args T, call *UndoCall) (Outcome, error)
}

// Targeter is an Attacker that can tell whom it would hit. See Attack.Targets.
type Targeter[T any] interface {
	Targets(ctx context.Context, args T, call *TargetsCall) ([]Target, error)
}

// Checker is an Attacker that looks at its args when a plan is made. See
// Attack.Check.
type Checker[T any] interface {
	Check(ctx context.Context, args T, call *CheckCall) error
}

// AttackOf offers an implementation of Attacker, with its Undo if it is an
// Undoer, its Targets if it is a Targeter and its Check if it is a Checker.
func AttackOf[T any](info Info, attacker Attacker[T]) Attack[T] {
	attack := Attack[T]{Info: info, Run: attacker.Run}
	if undoer, ok := attacker.(Undoer[T]); ok {
		attack.Undo = undoer.Undo
	}
	if targeter, ok := attacker.(Targeter[T]); ok {
		attack.Targets = targeter.Targets
	}
	if checker, ok := attacker.(Checker[T]); ok {
		attack.Check = checker.Check
	}
	return attack
}

func (a Attack[T]) offer() *offer {
	o := &offer{Info: a.Info, kind: kindAttack, args: reflect.TypeFor[T](), complete: a.Run != nil}
	o.run = func(ctx context.Context, doc json.RawMessage, run *Run) error {
		args, err := decodeArgs[T](a.Info, doc)
		if err != nil {
			return err
		}
		if err := run.started(); err != nil {
			return err
		}
		return a.Run(ctx, args, run)
	}
	if a.Undo != nil {
		o.undo = func(ctx context.Context, doc json.RawMessage, call *UndoCall) (Outcome, error) {
			args, err := decodeArgs[T](a.Info, doc)
			if err != nil {
				return Failed, err
			}
			return a.Undo(ctx, args, call)
		}
	}
	if a.Targets != nil {
		o.targets = func(ctx context.Context, doc json.RawMessage, call *TargetsCall) ([]Target, error) {
			args, err := decodeArgs[T](a.Info, doc)
			if err != nil {
				return nil, err
			}
			return a.Targets(ctx, args, call)
		}
	}
	if a.Check != nil {
		o.check = func(ctx context.Context, doc json.RawMessage, call *CheckCall) error {
			args, err := decodeArgs[T](a.Info, doc)
			if err != nil {
				return err
			}
			return a.Check(ctx, args, call)
		}
	}
	return o
}
