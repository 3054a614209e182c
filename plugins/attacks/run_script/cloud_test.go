package main

import (
	"cmp"
	"context"
	"errors"
	"net"
	"slices"
	"strings"
	"testing"

	"golang.org/x/crypto/ssh"

	"github.com/chaos-monkey-engine/cmed/internal/sshtest"
	"github.com/chaos-monkey-engine/cmed/sdk"
	"github.com/chaos-monkey-engine/cmed/sdk/compute"
	"github.com/chaos-monkey-engine/cmed/sdk/compute/targeting"
)

// cloud is a provider with a list of nodes, all of which match every filter.
type cloud struct {
	compute.Driver // nothing else is called
	nodes          []compute.Node
	err            error  // of every call
	unconfigured   error  // of opening it
	region         string // asked for last
	identity       string
}

func (c *cloud) Region() string { return c.region }

func (c *cloud) Identity(context.Context) (string, error) { return c.identity, c.err }

func (c *cloud) targeting() targeting.Targeting {
	open := func(_ context.Context, o compute.Options) (compute.Driver, error) {
		c.region = cmp.Or(o.Region, "eu-west-1")
		return c, c.unconfigured
	}
	return targeting.Targeting{Providers: compute.Providers{providerEC2: open}, Default: providerEC2}
}

func (c *cloud) List(context.Context, compute.Filters) ([]compute.Node, error) { return c.nodes, c.err }

func (c *cloud) Find(_ context.Context, ids ...string) ([]compute.Node, error) {
	return slices.DeleteFunc(slices.Clone(c.nodes), func(n compute.Node) bool { return !slices.Contains(ids, n.ID) }), c.err
}

// inCloud is a world whose machine is a node of a provider.
func inCloud(t *testing.T) (*world, scriptArgs) {
	t.Helper()
	w := newWorld(t, sshtest.Start(t, sshtest.Options{}).Access)
	ip, port, err := net.SplitHostPort(w.Addr)
	if err != nil {
		t.Fatal(err)
	}
	w.cloud.nodes = []compute.Node{{ID: "i-1", Name: "web", State: compute.Running, Private: []string{ip}, Zone: "eu-west-1a"}}
	w.cloud.identity = "account-1"
	args := w.args(`{"hosts": null, "filters": {"tag:Chaos": "true"}, "region": "eu-west-1",
		"ssh": {"port": ` + port + `, "user": "` + w.User + `", "insecure_ignore_host_key": true}}`)
	args.SSH.PEM = string(w.ClientKey)
	return w, args
}

func TestANodeOfAProvider(t *testing.T) {
	w, args := inCloud(t)
	w.script("main.sh", "echo on")
	d := newFakeDaemon()
	if err := w.attack.run(t.Context(), args, d); err != nil {
		t.Fatal(err)
	}
	expect(t, "stdout", d.printed(t, "stdout"), []string{"on"})
	if doc := d.document(t); doc.Provider != providerEC2 || doc.Region != "eu-west-1" || doc.Nodes[0].ID != "i-1" || doc.Nodes[0].Address != w.Addr {
		t.Errorf("the result: %+v", doc)
	}
	if r := d.last(t); r.place != (place{providerEC2, "eu-west-1", "account-1", "eu-west-1a"}) || r.Node != "i-1" {
		t.Errorf("the record: %+v", r)
	}
	w.isClean()
}

func TestANodeWithoutTheAddress(t *testing.T) {
	w, args := inCloud(t)
	w.script("main.sh", "echo on")
	args.Address = "public"
	d := newFakeDaemon()
	err := w.attack.run(t.Context(), args, d)
	if want := "i-1: it has no public address; is it to be the private one (address)?"; err == nil || err.Error() != want {
		t.Errorf("the run ended with %v, want %s", err, want)
	}
}

// A provider tells where a machine is now, and whether it will ever be there
// again.
func TestAnUndoAsksTheProvider(t *testing.T) {
	w, args := inCloud(t)
	w.script("main.sh", "touch TREE/harm")
	w.script("undo.sh", "rm -f TREE/harm")
	args.UndoScript = "undo.sh"
	d := newFakeDaemon()
	if err := w.attack.run(t.Context(), args, d); err != nil {
		t.Fatal(err)
	}
	there := w.cloud.nodes
	for _, c := range []struct {
		rule     string
		nodes    []compute.Node
		identity string
		want     sdk.Outcome
	}{
		{"a node that is gone", nil, "account-1", sdk.NothingToDo},
		{"one that isn't found in another account", nil, "account-2", sdk.Failed},
		{"one that isn't found by nobody knows whom", nil, "", sdk.Failed},
		{"one that is terminated", []compute.Node{{ID: "i-1", State: compute.Terminated}}, "account-1", sdk.NothingToDo},
		{"one that is stopped", []compute.Node{{ID: "i-1", State: compute.Stopped}}, "account-1", sdk.Retry},
	} {
		w.cloud.nodes, w.cloud.identity = c.nodes, c.identity
		got, err := w.undo(d, args)
		if got != c.want || !w.exists("harm") {
			t.Errorf("%s: %q, want %q; the harm is there: %t", c.rule, got, c.want, w.exists("harm"))
		}
		if c.want == sdk.Failed && (err == nil || !strings.Contains(err.Error(), "if it is gone, abandon the undo")) {
			t.Errorf("%s: %v", c.rule, err)
		}
	}
	w.cloud.nodes = nil
	w.cloud.identity = "account-1"
	unconfirmed := d.last(t)
	unconfirmed.Identity = ""
	if got, _, err := w.attack.undo(t.Context(), args, unconfirmed, d.Log()); got != sdk.Failed || err == nil {
		t.Errorf("a record without the account: %q, %v", got, err)
	}
	w.cloud.nodes = there
	moved := d.last(t)
	moved.Address = "192.0.2.1:22"
	if got, _, err := w.attack.undo(t.Context(), args, moved, d.Log()); got != sdk.Undone || err != nil {
		t.Errorf("a node that has moved: %q, %v", got, err)
	}
	w.isClean()
}

// A plan may have changed, and the environment too: what counts is where the run
// was.
func TestAnUndoLooksInTheRegionOnRecord(t *testing.T) {
	for rule, before := range map[string]string{"the plan's": "eu-west-1", "the environment's": ""} {
		t.Run(rule, func(t *testing.T) {
			w, args := inCloud(t)
			w.script("main.sh", "touch TREE/harm")
			w.script("undo.sh", "rm -f TREE/harm")
			args.UndoScript, args.Region = "undo.sh", before
			d := newFakeDaemon()
			if err := w.attack.run(t.Context(), args, d); err != nil {
				t.Fatal(err)
			}
			w.attack.targeting.Providers[providerEC2] = func(_ context.Context, o compute.Options) (compute.Driver, error) {
				if o.Region == "eu-west-1" {
					return w.cloud, nil
				}
				return &cloud{region: "us-east-1", identity: "account-1"}, nil
			}
			args.Region = "us-east-1"
			w.undoIs(d, args, sdk.Undone)
			w.isClean()
		})
	}
}

// Where the provider can't be asked, only a machine that proves who it is will do
// at the address on record.
func TestAnUndoWithoutTheProvider(t *testing.T) {
	w, args := inCloud(t)
	w.script("main.sh", "touch TREE/harm")
	w.script("undo.sh", "rm -f TREE/harm")
	args.UndoScript = "undo.sh"
	d := newFakeDaemon()
	if err := w.attack.run(t.Context(), args, d); err != nil {
		t.Fatal(err)
	}
	w.cloud.err = errors.New("throttled")
	got, err := w.undo(d, args)
	if got != sdk.Retry || err == nil || !strings.Contains(err.Error(), "insecure_ignore_host_key") || !w.exists("harm") {
		t.Errorf("any host key: %q, %v", got, err)
	}
	args.SSH.InsecureIgnore, args.SSH.HostKey = false, string(ssh.MarshalAuthorizedKey(w.HostKeys[0]))
	w.undoIs(d, args, sdk.Undone)
	w.isClean()
}

func TestACloudThatDoesNotAnswer(t *testing.T) {
	w, args := inCloud(t)
	w.script("main.sh", "echo on")
	w.cloud.err = errors.New("DescribeInstances: throttled")
	if err := w.attack.run(t.Context(), args, newFakeDaemon()); err == nil || !strings.Contains(err.Error(), "throttled") {
		t.Errorf("the run ended with %v", err)
	}
	w.cloud.err, w.cloud.nodes = nil, nil
	d := newFakeDaemon()
	if err := w.attack.run(t.Context(), args, d); !errors.Is(err, compute.ErrWouldBeEmpty) || d.result == nil {
		t.Errorf("nobody matches: %v, result %s", err, d.result)
	}
	args.AllowEmpty = true
	if err := w.attack.run(t.Context(), args, newFakeDaemon()); err != nil {
		t.Errorf("nobody matches, which is allowed: %v", err)
	}
}
