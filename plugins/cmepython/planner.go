package cmepython

import (
	"context"
	"encoding/json"
	"fmt"
	"os"

	"github.com/chaos-monkey-engine/cmed/sdk"
)

// plan calls the class's plan() and answers what it planned.
func (b bridge) plan(ctx context.Context, ref string, req *sdk.PlanRequest[json.RawMessage]) ([]sdk.Execution, error) {
	var jobs []job
	last, err := b.hold(ctx, talk{
		request: request{
			Do: "plan", Ref: ref, Config: req.Config(), Seed: req.Seed, Name: req.Name, Attack: req.Attack.Doc,
		},
		// Now is in the plan's zone. Asking for its name is not depending on it.
		zone: req.Now.Location().String(),
		heard: func(e event) {
			switch {
			case e.Job != nil:
				jobs = append(jobs, *e.Job)
			case e.Warning != "":
				req.Warn("%s", e.Warning)
			case e.Logged != nil:
				complain(e.Logged.Text)
			}
		},
		said: func(_, line string) { complain(line) },
	})
	if err != nil {
		return nil, err
	}
	if last.Failure != "" {
		complain(last.Trace)
		return nil, sdk.Invalid("", "%s", last.Failure)
	}
	executions := make([]sdk.Execution, len(jobs))
	for i, j := range jobs {
		if executions[i], err = execution(j, req); err != nil {
			return nil, fmt.Errorf("job %d of the planner: %w", i+1, err)
		}
	}
	return executions, nil
}

func execution(j job, req *sdk.PlanRequest[json.RawMessage]) (sdk.Execution, error) {
	at, err := req.ParseDate(j.At)
	if err != nil {
		return sdk.Execution{}, sdk.Invalid("", "%w", err)
	}
	if j.Zoned {
		_ = req.Location() // tells that the plan depends on it
	}
	e := sdk.Execution{At: at, Name: j.Name}
	if e.Name == "" {
		e.Name = req.Name
	}
	if j.Config != nil {
		e.Args = j.Config.Args
	}
	return e, nil
}

// complain writes a line where the host looks when a planner failed: it has no
// log.
func complain(line string) { _, _ = fmt.Fprintln(os.Stderr, line) }
