// Package dockertest gives tests a Docker Engine that is real: the one that
// DOCKER_HOST names if it answers, or one that is started for the tests, in
// namespaces and a folder of its own, and that nothing is left of. Where there
// can be none a test is skipped, with the reason and the remedy.
//
// The tests of a package share one engine. A package that calls Start must call
// Stop when its tests are over, in TestMain. Tests touch only containers that
// they made, and find them by a label or name with Unique in it: an engine that
// DOCKER_HOST names has other people's containers too.
//
// Nothing here uses the driver under test or its client: what became of a
// container is asked of the engine in plain HTTP.
package dockertest

import (
	"context"
	"crypto/rand"
	"encoding/hex"
	"errors"
	"fmt"
	"os"
	"strings"
	"sync"
	"testing"
	"time"
)

const remedy = "apt-get install docker.io busybox-static, and run as root, or set DOCKER_HOST"

// startBound is how long an engine may take until it answers.
const startBound = 60 * time.Second

// Engine is a Docker Engine with an image that has a busybox in it.
type Engine struct {
	// Host is its address: what DOCKER_HOST is set to.
	Host string

	wire  wire
	image string
}

// The engine of this process.
var (
	once   sync.Once
	shared *Engine
	reason string      // why there is none
	stop   = func() {} // ends what was started
)

// Start returns the engine that all tests of the process share and starts it if
// need be. Where there can be none, it skips the test.
func Start(t testing.TB) *Engine {
	t.Helper()
	once.Do(func() {
		engine, err := open()
		if err != nil {
			reason = err.Error()
		} else {
			shared = engine
		}
	})
	if shared == nil {
		t.Skipf("no Docker Engine to test against: %s (%s)", reason, remedy)
	}
	return shared
}

// Stop ends the engine if it was started here and removes all that is left of
// it, or else the image from the engine that DOCKER_HOST names. To be called when
// all tests are over; without Start before it, it does nothing.
func Stop() { stop() }

// Unique returns a text that no other test has: for names and labels.
func Unique() string {
	b := make([]byte, 6)
	_, _ = rand.Read(b) // never fails
	return hex.EncodeToString(b)
}

// open finds an engine or starts one, brings the image there, and tries it.
func open() (*Engine, error) {
	ctx, cancel := context.WithTimeout(context.Background(), startBound)
	defer cancel()
	host := os.Getenv("DOCKER_HOST")
	e := &Engine{Host: host, wire: wireTo(host), image: "cmed-dockertest:" + Unique()}
	unnamed := named(ctx, host)
	if unnamed == nil {
		stop = e.removeImage
	} else {
		folder, end, err := startDaemon(ctx)
		if err != nil {
			return nil, fmt.Errorf("%w, and %w", unnamed, err)
		}
		stop = end
		e.Host = "unix://" + folder + "/" + socketName
		e.wire = wireTo(e.Host)
	}
	if err := e.importImage(ctx); err != nil {
		return nil, err
	}
	return e, e.try()
}

// try runs a container: there are machines on which an engine starts, and nothing
// in it does.
func (e *Engine) try() error {
	id, err := e.create(Container{Command: []string{"true"}})
	if err == nil {
		err = errors.Join(e.start(id), e.remove(id))
	}
	if err != nil {
		return fmt.Errorf("the engine at %s can't run a container: %w", e.Host, err)
	}
	return nil
}

// named reports why the engine that DOCKER_HOST names can't be used.
func named(ctx context.Context, host string) error {
	switch {
	case host == "":
		return errors.New("DOCKER_HOST is not set")
	case !strings.HasPrefix(host, "unix://") && !strings.HasPrefix(host, "tcp://"):
		return errors.New("the tests use only unix:// and tcp:// addresses in DOCKER_HOST")
	case os.Getenv("DOCKER_TLS_VERIFY") != "" || os.Getenv("DOCKER_CERT_PATH") != "":
		return errors.New("the tests use only a DOCKER_HOST without TLS")
	}
	ctx, cancel := context.WithTimeout(ctx, 5*time.Second)
	defer cancel()
	return wireTo(host).do(ctx, "GET", "/_ping", nil, nil)
}
