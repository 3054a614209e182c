package main

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/chaos-monkey-engine/cmed/sdk/compute"
)

// cloud is a provider whose state is a file: the attacks work on it in processes
// of their own, and the test sees what they did.
type cloud struct {
	Nodes []compute.Node `json:"nodes"`
	// Orders is what was ordered: "stop i-1 i-2".
	Orders []string `json:"orders"`
	// Fail has what is answered instead, by what is asked: "list", "stop", or for
	// a single node "start i-1".
	Fail map[string]failure `json:"fail"`
	// Slow makes each change take until it is awaited; Stuck makes it last.
	Slow, Stuck bool
	// Late is how many looks at nodes still show all of them running.
	Late int
	// Meddle has somebody stop a node while the first order is carried out.
	Meddle string
	// Leave has somebody stop a node right after it was listed.
	Leave string
	// Whose the nodes are.
	Whose string
	path  string
	// real is the environment of a real provider, which is then used.
	real []string
}

type failure struct {
	Kind    string `json:"kind"` // throttled, not_found, bad_state; else none
	Message string `json:"message"`
	// Half has the first node changed all the same, and named in the answer.
	Half bool `json:"half"`
}

var kinds = map[string]error{
	"throttled": compute.ErrThrottled, "not_found": compute.ErrNotFound, "bad_state": compute.ErrBadState,
	"not_allowed": compute.ErrNotAllowed, "unreachable": compute.ErrUnreachable,
}

// envCloud names the file in a process that serves attacks.
const envCloud = "TEST_CLOUD"

// Identity is asked for anew each time.
func (c *cloud) Identity(context.Context) (string, error) {
	if err := c.read(); err != nil {
		return "", err
	}
	return c.Whose, c.failing("identity")
}

// CheckFilters refuses one name.
func (*cloud) CheckFilters(filters compute.Filters) error {
	if _, there := filters["color"]; there {
		return &compute.Error{Kind: compute.ErrBadFilter, Operation: "list", Message: "there is no filter color"}
	}
	return nil
}

func openCloud(_ context.Context, o compute.Options) (compute.Driver, error) {
	if o.Region == "nowhere" {
		return nil, &compute.Error{Kind: compute.ErrUnconfigured, Operation: "cloud", Message: "there is no such region"}
	}
	return &cloud{path: os.Getenv(envCloud)}, nil
}

// read reads the file anew.
func (c *cloud) read() error {
	doc, err := os.ReadFile(c.path)
	if err != nil {
		return err
	}
	path := c.path
	*c = cloud{path: path}
	return json.Unmarshal(doc, c)
}

func (c *cloud) write() error {
	doc, err := json.Marshal(c)
	if err != nil {
		return err
	}
	return os.WriteFile(c.path, doc, 0o600)
}

// put makes a cloud of some nodes.
func put(t *testing.T, c cloud) *cloud {
	t.Helper()
	c.path = t.TempDir() + "/cloud"
	if c.Whose == "" {
		c.Whose = "account-1"
	}
	if err := c.write(); err != nil {
		t.Fatal(err)
	}
	return &c
}

// change has the world change.
func (c *cloud) change(t *testing.T, how func(*cloud)) {
	t.Helper()
	if err := c.read(); err != nil {
		t.Fatal(err)
	}
	how(c)
	if err := c.write(); err != nil {
		t.Fatal(err)
	}
}

// environ is what the plugin finds in its environment.
func (c *cloud) environ() []string {
	if c.real != nil {
		return c.real
	}
	return []string{envCloud + "=" + c.path}
}

// ordered returns how many orders were given so far.
func (c *cloud) ordered(t *testing.T) int {
	t.Helper()
	if c.real == nil {
		c.change(t, func(*cloud) {})
	}
	return len(c.Orders)
}

// states returns what the nodes do: "i-1 running, i-2 stopped".
func (c *cloud) states(t *testing.T) string {
	t.Helper()
	c.change(t, func(*cloud) {})
	var list []string
	for _, n := range c.Nodes {
		list = append(list, n.ID+" "+string(n.State))
	}
	return strings.Join(list, ", ")
}

func (c *cloud) failing(what string) error {
	f, ok := c.Fail[what]
	if !ok {
		return nil
	}
	return &compute.Error{Kind: kinds[f.Kind], Operation: what, Message: f.Message}
}

func (c *cloud) List(_ context.Context, filters compute.Filters) ([]compute.Node, error) {
	return c.look(filters, func(n compute.Node) bool { return filters["state"] != nil || n.State == compute.Running })
}

func (c *cloud) Matching(_ context.Context, filters compute.Filters) ([]compute.Node, error) {
	return c.look(filters, func(compute.Node) bool { return true })
}

func (c *cloud) look(filters compute.Filters, wanted func(compute.Node) bool) ([]compute.Node, error) {
	if err := c.read(); err != nil {
		return nil, err
	}
	if err := c.failing("list"); err != nil {
		return nil, err
	}
	var found []compute.Node
	for _, n := range c.Nodes {
		matches, err := filters.Match(func(name string) ([]string, bool) {
			switch name {
			case "name":
				return []string{n.Name}, true
			case "state":
				return []string{string(n.State)}, true
			}
			return nil, false
		})
		if err != nil {
			return nil, err
		}
		if matches && wanted(n) {
			found = append(found, n)
		}
	}
	if c.Leave == "" {
		return found, nil
	}
	stateOf(c, c.Leave, compute.Stopped)
	return found, c.write()
}

func (c *cloud) Find(_ context.Context, ids ...string) ([]compute.Node, error) {
	if err := c.read(); err != nil {
		return nil, err
	}
	if err := c.failing("find"); err != nil {
		return nil, err
	}
	found := slices.DeleteFunc(slices.Clone(c.Nodes), func(n compute.Node) bool { return !slices.Contains(ids, n.ID) })
	if c.Late == 0 {
		return found, nil
	}
	for i := range found {
		found[i].State = compute.Running
	}
	c.Late--
	return found, c.write()
}

func (c *cloud) Start(_ context.Context, o compute.Order) ([]compute.Change, error) {
	return c.order("start", o, compute.Pending, compute.Running)
}

func (c *cloud) Stop(_ context.Context, o compute.Order) ([]compute.Change, error) {
	return c.order("stop", o, compute.Stopping, compute.Stopped)
}

func (c *cloud) Kill(_ context.Context, o compute.Order) ([]compute.Change, error) {
	return c.order("kill", o, compute.Stopping, compute.Stopped)
}

func (c *cloud) Pause(_ context.Context, o compute.Order) ([]compute.Change, error) {
	return c.order("pause", o, compute.Paused, compute.Paused)
}

func (c *cloud) Unpause(_ context.Context, o compute.Order) ([]compute.Change, error) {
	return c.order("unpause", o, compute.Running, compute.Running)
}

func (c *cloud) Reboot(_ context.Context, o compute.Order) ([]compute.Change, error) {
	return c.order("reboot", o, compute.Running, compute.Running)
}

func (c *cloud) Terminate(_ context.Context, o compute.Order) ([]compute.Change, error) {
	return c.order("terminate", o, compute.Terminating, compute.Terminated)
}

func (c *cloud) order(verb string, o compute.Order, via, to compute.State) (changes []compute.Change, err error) {
	if err := c.read(); err != nil {
		return nil, err
	}
	words := verb + " " + strings.Join(o.IDs, " ")
	if o.DryRun {
		words = "dry " + words
	}
	c.Orders = append(c.Orders, words)
	fail, failed := c.Fail[verb], c.failing(verb)
	if one := c.failing(words); failed == nil && one != nil {
		fail, failed = c.Fail[words], one
	}
	for i, n := range c.Nodes {
		if o.DryRun || !slices.Contains(o.IDs, n.ID) || failed != nil && (!fail.Half || len(changes) > 0) {
			continue
		}
		c.Nodes[i].State = to
		if c.Slow || c.Stuck {
			c.Nodes[i].State = via
		}
		if verb == "start" {
			c.Nodes[i].Started = n.Started.Add(time.Hour)
		}
		changes = append(changes, compute.Change{ID: n.ID, From: n.State, To: via})
	}
	if c.Meddle != "" {
		stateOf(c, c.Meddle, compute.Stopped)
		c.Meddle = ""
	}
	if err := c.write(); err != nil {
		return nil, err
	}
	return changes, failed
}

func (c *cloud) Await(ctx context.Context, state compute.State, ids ...string) error {
	if err := c.read(); err != nil {
		return err
	}
	if c.Stuck {
		<-ctx.Done()
		return &compute.Error{Operation: "await", Message: "gave up: " + context.Cause(ctx).Error(), Err: context.Cause(ctx)}
	}
	for i, n := range c.Nodes {
		if !slices.Contains(ids, n.ID) {
			continue
		}
		switch n.State {
		case compute.Stopping:
			n.State = compute.Stopped
		case compute.Pending:
			n.State = compute.Running
		case compute.Terminating:
			n.State = compute.Terminated
		}
		if n.Extra["auto_remove"] == "true" && n.State == compute.Stopped {
			n.State = compute.Terminated
		}
		if c.Nodes[i].State = n.State; n.State != state {
			return &compute.Error{Kind: compute.ErrBadState, Operation: "await", Message: fmt.Sprintf("%s is %s", n.ID, n.State)}
		}
	}
	return c.write()
}

// running returns so many nodes that run.
func running(number int) []compute.Node {
	list := make([]compute.Node, number)
	for i := range list {
		list[i] = compute.Node{
			ID: fmt.Sprintf("i-%d", i+1), Name: fmt.Sprintf("web-%d", i+1), State: compute.Running,
			Started: time.Date(2026, time.January, 1, 0, 0, 0, 0, time.UTC),
		}
	}
	return list
}
