package main

import (
	"context"
	"fmt"
	"log/slog"
	"strconv"
	"strings"
	"time"

	"github.com/chaos-monkey-engine/cmed/sdk"
	"github.com/chaos-monkey-engine/cmed/sdk/compute"
)

// remains is what is left of a harm: the nodes that were hit, by how they are now.
type remains struct {
	found   bool     // at least one of them is there, in whatever state
	mine    []victim // as the run left them
	moving  []victim // on their way there
	running []victim // never hit, or somebody has brought them back
	// patience is how long those that run since before the order may yet come to
	// what it leads to; zero if there are none.
	patience time.Duration
	again    []victim // started since, and in the state again that the run left them in
	others   []victim // changed by somebody else since
	gone     []victim // for good
}

// sort sorts what was hit by what was found of it.
func (a attack) sort(provider string, hit []victim, found []compute.Node) remains {
	now := make(map[string]compute.Node, len(found))
	for _, n := range found {
		now[n.ID] = n
	}
	left := remains{found: len(found) > 0}
	for _, v := range hit {
		list := &left.gone
		if n, there := now[v.ID]; there {
			list = left.listOf(a.harm, v, n)
			if n.State == compute.Running && !v.restarted(n) {
				left.patience = max(left.patience, a.patience(provider, n))
			}
		}
		*list = append(*list, v)
	}
	return left
}

// patience is how long a node may run on though it was ordered to end.
func (a attack) patience(provider string, n compute.Node) time.Duration {
	patience := settling[provider]
	if seconds, err := strconv.Atoi(n.Extra["stop_timeout"]); err == nil && a.harm.asking {
		patience += time.Duration(seconds) * time.Second
	}
	return patience
}

func (r *remains) listOf(h harm, v victim, n compute.Node) *[]victim {
	switch n.State {
	case h.ends:
		if v.restarted(n) {
			return &r.again // by somebody else, unless an earlier try of this undo started it
		}
		return &r.mine
	case compute.Terminating, compute.Terminated:
		return &r.gone
	case compute.Running, compute.Pending:
		return &r.running
	case compute.Stopping, compute.Unknown:
		return &r.moving
	default:
		return &r.others
	}
}

// tell says, in the run's log and in the undo's answer, what was brought back, and
// what is left alone and why.
func (r remains) tell(call *sdk.UndoCall) {
	var words []string
	for _, l := range []struct {
		nodes []victim
		level slog.Level
		words string
	}{
		{r.mine, slog.LevelInfo, "brought back"},
		{r.running, slog.LevelWarn, "running, so left as they are"},
		{r.again, slog.LevelWarn, "started since and ended again, so left as they are"},
		{r.others, slog.LevelWarn, "changed by somebody else since, so left as they are"},
		{r.gone, slog.LevelWarn, "gone for good"},
	} {
		if len(l.nodes) > 0 {
			call.Log().Log(context.Background(), l.level, l.words, "nodes", labelsOf(l.nodes))
			words = append(words, named(labelsOf(l.nodes))+": "+l.words)
		}
	}
	call.Explain("%s", strings.Join(words, "; "))
}

// outcome is that of an undo which has brought back what is its own. From the
// second attempt on, what was started since may have been so by the one before,
// and not have stayed up: that is a failure, not somebody else's doing.
func (r remains) outcome(attempt int) (sdk.Outcome, error) {
	switch {
	case attempt > 1 && len(r.again) > 0:
		return sdk.Failed, fmt.Errorf("started and ended again: %s; see why they don't stay up, and start them by hand", named(labelsOf(r.again)))
	case len(r.moving) > 0:
		return sdk.Retry, fmt.Errorf("still on their way: %s", named(labelsOf(r.moving)))
	case len(r.mine) > 0:
		return sdk.Undone, nil
	case len(r.again)+len(r.others)+len(r.gone) > 0:
		return sdk.NotMine, nil
	default:
		return sdk.NothingToDo, nil
	}
}
