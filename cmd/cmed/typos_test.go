package main

import (
	"context"
	"fmt"
	"os"
	"strings"
	"sync"
	"syscall"
	"testing"
)

func TestTyposThatWouldTurnAGuardOff(t *testing.T) {
	built := newHome(t)
	goBuild(t, built.attacks+"/testplugin", "../../internal/e2e/testplugin")
	c := &call{signals: make(chan os.Signal, 4), code: make(chan int, 1)}
	var running sync.WaitGroup
	running.Go(func() {
		c.code <- run(context.Background(), program{
			args: built.args("--log-format", "text"),
			env: []string{
				"CMED_DENY_ATACK=secret", "CMED_TOKEN=secret", "CMED_ALLOW_ATTACK=e2e:* toxi:*", "CMED_DENY_ATTACK=*:Latencyy",
				"CMED_SERVER=x", "CMED_URL=x", "CMED_CONFIG=", "CMED_PLUGIN_PATH=x", "HOME=/x", "NOTCMED_X=1",
			},
			stdout: &c.stdout, stderr: &c.stderr, signals: c.signals,
		})
	})
	defer running.Wait()
	await(t, &c.stdout, "\n")
	c.signals <- syscall.SIGTERM
	if code := c.end(t); code != 0 {
		t.Errorf("exit code %d", code)
	}
	log := c.stderr.String()
	for _, want := range []string{
		"CMED_DENY_ATACK is no variable of cmed; did you mean CMED_DENY_ATTACK?\n",
		"CMED_TOKEN is no variable of cmed\n",
		`a pattern matches no attack that is loaded: option=--allow-attack pattern="toxi:*"`,
		`a pattern matches no attack that is loaded: option=--deny-attack pattern="*:Latencyy"`,
		fmt.Sprintf(" pid=%d", os.Getpid()),
	} {
		if !strings.Contains(log, want) {
			t.Errorf("no %q in\n%s", want, log)
		}
	}
	if n := strings.Count(log, "is no variable") + strings.Count(log, "matches no attack"); n != 4 || strings.Contains(log, "secret") {
		t.Errorf("%d warnings in\n%s", n, log)
	}
}
