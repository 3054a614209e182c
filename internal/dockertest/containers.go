package dockertest

import (
	"cmp"
	"context"
	"encoding/binary"
	"errors"
	"net/http"
	"net/url"
	"testing"
	"time"
)

// callBound is how long an engine may take over one request.
const callBound = 60 * time.Second

// Gone is the State of a container that isn't there.
const Gone = "gone"

// Container is what to run.
type Container struct {
	Name   string // free: the engine makes one up
	Labels map[string]string
	// Command is what it runs; nothing: a program that runs until it is told to
	// stop, and then does so at once. A plain sleep doesn't: as the first process
	// of a container it takes no notice of SIGTERM.
	Command     []string
	AutoRemove  bool   // docker run --rm
	Restart     string // no, always, unless-stopped, on-failure
	StopSeconds int    // its stop timeout; 0: the engine's, 10 s
	Volume      string // the mount point of an anonymous volume
	// Image is one of Import; "": that of the package. Without a command it runs
	// what the image says, and else the command is what the image's entry point
	// gets.
	Image string
	// Network is none, as "" is, or host.
	Network string
	// HealthInterval is how often the image's health check runs; 0: as it says.
	HealthInterval time.Duration
}

var obedient = []string{"sh", "-c", `trap "exit 0" TERM; while :; do sleep 3600 & wait $!; done`}

// Run starts a container, without a command one that stops when it is told to,
// and returns its id. It is removed when the test ends.
func (e *Engine) Run(t testing.TB, name string, labels map[string]string, command ...string) string {
	t.Helper()
	return e.RunContainer(t, Container{Name: name, Labels: labels, Command: command})
}

// RunContainer is Run with more to say.
func (e *Engine) RunContainer(t testing.TB, c Container) string {
	t.Helper()
	id := e.Create(t, c)
	if err := e.start(id); err != nil {
		t.Fatalf("start container %s: %v", c.Name, err)
	}
	return id
}

// Create makes a container without starting it and returns its id. It is removed
// when the test ends.
func (e *Engine) Create(t testing.TB, c Container) string {
	t.Helper()
	id, err := e.create(c)
	if err != nil {
		t.Fatalf("create container %s: %v", c.Name, err)
	}
	t.Cleanup(func() { e.Remove(t, id) })
	return id
}

// Remove removes a container, whatever it does. One that isn't there, or is being
// removed by somebody else, is fine.
func (e *Engine) Remove(t testing.TB, id string) {
	t.Helper()
	if err := e.remove(id); err != nil {
		t.Errorf("remove container %s: %v", id, err)
	}
}

// State is what the engine says that a container does: created, running, paused,
// restarting, removing, exited or dead, or Gone.
func (e *Engine) State(t testing.TB, id string) string {
	t.Helper()
	var c struct{ State struct{ Status string } }
	if !e.Inspect(t, id, &c) {
		return Gone
	}
	return c.State.Status
}

// Restart stops a container, as its image wants to be stopped, and starts it again.
func (e *Engine) Restart(t testing.TB, id string) {
	t.Helper()
	if err := e.ask("POST", "/containers/"+id+"/restart", nil, nil); err != nil {
		t.Fatalf("restart the container: %v", err)
	}
}

// Output is what a container has written so far: to standard output, or to
// standard error.
func (e *Engine) Output(t testing.TB, id string, stderr bool) string {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), callBound)
	defer cancel()
	stream := "stdout"
	if stderr {
		stream = "stderr"
	}
	text, err := e.wire.fetch(ctx, "GET", "/containers/"+id+"/logs?"+stream+"=1", nil)
	if err != nil {
		t.Fatalf("read what the container wrote: %v", err)
	}
	// It comes in frames: a stream's number, three zeros, the length, the text.
	var out []byte
	for len(text) >= 8 {
		n := min(int(binary.BigEndian.Uint32(text[4:8])), len(text)-8)
		out, text = append(out, text[8:8+n]...), text[8+n:]
	}
	return string(out)
}

// Inspect reads what the engine says of a container, as its API has it, and
// reports whether it is there.
func (e *Engine) Inspect(t testing.TB, id string, into any) bool {
	t.Helper()
	return e.Read(t, "/containers/"+id+"/json", into)
}

// Read reads anything of the engine's API and reports whether it is there.
func (e *Engine) Read(t testing.TB, path string, into any) bool {
	t.Helper()
	err := e.ask("GET", path, nil, into)
	var said *statusError
	if errors.As(err, &said) && said.status == http.StatusNotFound {
		return false
	}
	if err != nil {
		t.Fatalf("read %s of the engine: %v", path, err)
	}
	return true
}

func (e *Engine) ask(method, path string, body, answer any) error {
	ctx, cancel := context.WithTimeout(context.Background(), callBound)
	defer cancel()
	return e.wire.do(ctx, method, path, body, answer)
}

func (e *Engine) create(c Container) (id string, err error) {
	if len(c.Command) == 0 && c.Image == "" {
		c.Command = obedient
	}
	host := map[string]any{
		"NetworkMode": cmp.Or(c.Network, "none"), "AutoRemove": c.AutoRemove, "RestartPolicy": map[string]any{"Name": c.Restart},
	}
	config := map[string]any{"Image": cmp.Or(c.Image, e.image), "Cmd": c.Command, "Labels": c.Labels, "HostConfig": host}
	if c.HealthInterval > 0 {
		config["Healthcheck"] = map[string]any{"Interval": c.HealthInterval.Nanoseconds()}
	}
	if c.StopSeconds > 0 {
		config["StopTimeout"] = c.StopSeconds
	}
	if c.Volume != "" {
		config["Volumes"] = map[string]any{c.Volume: struct{}{}}
	}
	query := url.Values{}
	if c.Name != "" {
		query.Set("name", c.Name)
	}
	var made struct {
		ID string `json:"Id"`
	}
	err = e.ask("POST", "/containers/create?"+query.Encode(), config, &made)
	return made.ID, err
}

func (e *Engine) start(id string) error {
	return e.ask("POST", "/containers/"+id+"/start", nil, nil)
}

func (e *Engine) remove(id string) error {
	err := e.ask("DELETE", "/containers/"+id+"?force=1&v=1", nil, nil)
	var said *statusError
	if errors.As(err, &said) && (said.status == http.StatusNotFound || said.status == http.StatusConflict) {
		return nil
	}
	return err
}
