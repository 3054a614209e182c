// Command cmed is the Chaos Monkey Engine as one daemon: it loads attack and
// planner binaries out of two folders, offers them over an HTTP API, and runs
// what is planned, on time.
//
// The package turns flags, environment and configuration file into one config,
// wires the parts (store, host, engine, HTTP surface) and takes them apart
// again. It decides nothing about plans and runs.
package main

import (
	"context"
	"os"
	"os/signal"
	"syscall"
)

func main() {
	signals := make(chan os.Signal, 4)
	signal.Notify(signals, syscall.SIGINT, syscall.SIGTERM, syscall.SIGHUP, syscall.SIGUSR1)
	// A closed standard output or error must not end the daemon. Notify, not
	// Ignore: an ignored signal would stay ignored in the plugins. Nobody
	// receives.
	signal.Notify(make(chan os.Signal, 1), syscall.SIGPIPE)

	os.Exit(run(context.Background(), program{
		args:    os.Args[1:],
		env:     os.Environ(),
		stdin:   os.Stdin,
		stdout:  os.Stdout,
		stderr:  os.Stderr,
		signals: signals,
	}))
}
