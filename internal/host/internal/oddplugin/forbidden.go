package main

import (
	"context"
	"encoding/json"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"time"

	"github.com/chaos-monkey-engine/cmed/sdk/pluginv1"
)

// attempt tries something that may be forbidden: "read /etc/passwd". It returns
// what came of it, or the error's text.
func attempt(what string) string {
	verb, object, _ := strings.Cut(what, " ")
	act, known := attempts[verb]
	if !known {
		return "unknown attempt"
	}
	out, err := act(object)
	if err != nil {
		return "error: " + err.Error()
	}
	return out
}

var attempts = map[string]func(string) (string, error){
	"read": func(path string) (string, error) {
		b, err := os.ReadFile(path) //nolint:gosec // as the test asks
		return string(b), err
	},
	"list": func(path string) (string, error) {
		entries, err := os.ReadDir(path)
		return fmt.Sprint(len(entries) > 0), err
	},
	"write": func(path string) (string, error) {
		return "", os.WriteFile(path, []byte("written"), 0o666) //nolint:gosec // the umask is what is tested
	},
	"sink": func(path string) (string, error) {
		f, err := os.OpenFile(path, os.O_WRONLY, 0) //nolint:gosec // as the test asks
		if err != nil {
			return "", err
		}
		return "", f.Close()
	},
	"mode": func(path string) (string, error) {
		info, err := os.Stat(path)
		if err != nil {
			return "", err
		}
		return fmt.Sprintf("%04o", info.Mode().Perm()), nil
	},
	"link": func(path string) (string, error) { return "", os.Link(path, filepath.Base(path)) },
	"disk": func(path string) (string, error) {
		return "", syscall.Mknod(path, syscall.S_IFBLK|0o600, 1<<8)
	},
	"exec": func(command string) (string, error) {
		words := strings.Fields(command)
		ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
		defer cancel()
		out, err := exec.CommandContext(ctx, words[0], words[1:]...).CombinedOutput() //nolint:gosec // as the test asks
		return strings.TrimSpace(string(out)), err
	},
	"sh": func(script string) (string, error) {
		ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
		defer cancel()
		out, err := exec.CommandContext(ctx, "/bin/sh", "-c", script).CombinedOutput() //nolint:gosec // as the test asks
		return strings.TrimSpace(string(out)), err
	},
	"dial": func(address string) (string, error) {
		network, to, _ := strings.Cut(address, " ")
		conn, err := (&net.Dialer{Timeout: time.Second}).DialContext(context.Background(), network, to)
		if err != nil {
			return "", err
		}
		return "", conn.Close()
	},
	"listen": func(address string) (string, error) {
		network, at, _ := strings.Cut(address, " ")
		l, err := (&net.ListenConfig{}).Listen(context.Background(), network, at)
		if err != nil {
			return "", err
		}
		return "", l.Close()
	},
	// race writes over a link that leads elsewhere and back all the time.
	"race": func(elsewhere string) (string, error) {
		own, err := os.Getwd()
		if err != nil {
			return "", err
		}
		over := make(chan struct{})
		swapped := make(chan struct{})
		go func() {
			defer close(swapped)
			for i := 0; ; i++ {
				select {
				case <-over:
					return
				default:
				}
				_ = os.Symlink([]string{own, elsewhere}[i%2], "next")
				_ = os.Rename("next", "way")
			}
		}()
		for i := range 2000 {
			_ = os.WriteFile(fmt.Sprint("way/raced-", i), nil, 0o600)
		}
		close(over)
		<-swapped
		return "", nil
	},
	"who": func(string) (string, error) {
		groups, err := os.Getgroups()
		return fmt.Sprint(os.Getuid(), os.Geteuid(), os.Getgid(), groups), err
	},
	"core": func(string) (string, error) {
		var l syscall.Rlimit
		err := syscall.Getrlimit(syscall.RLIMIT_CORE, &l)
		return fmt.Sprint(l.Cur, l.Max), err
	},
	"leader": func(string) (string, error) { return fmt.Sprint(syscall.Getpgrp() == os.Getpid()), nil },
	// escape starts a process that nothing but a cgroup can find again.
	"escape": func(string) (string, error) {
		cmd := exec.CommandContext(context.Background(), "/bin/sleep", "600")
		cmd.Env = []string{"NOTHING="}
		cmd.SysProcAttr = &syscall.SysProcAttr{Setsid: true}
		if err := cmd.Start(); err != nil {
			return "", err
		}
		return fmt.Sprint(cmd.Process.Pid), nil
	},
	"hoard": func(string) (string, error) {
		var all [][]byte
		for range 256 {
			block := make([]byte, 1<<20)
			for i := range block {
				block[i] = 1
			}
			all = append(all, block)
		}
		return fmt.Sprint(len(all)), nil
	},
	"swarm": func(string) (string, error) {
		for i := range 200 {
			if err := exec.CommandContext(context.Background(), "/bin/sleep", "600").Start(); err != nil {
				return fmt.Sprint("stopped before ", i+1), err
			}
		}
		return "200", nil
	},
}

// attemptAll makes the attempts in the config, in order, and answers with what
// came of each.
func attemptAll(r run) error {
	var c struct {
		Args struct {
			Attempts []string `json:"attempts"`
		} `json:"args"`
	}
	if err := json.Unmarshal(r.config, &c); err != nil {
		return r.finish(err.Error())
	}
	answers := make([]string, len(c.Args.Attempts))
	for i, a := range c.Args.Attempts {
		answers[i] = attempt(a)
	}
	r.result(answers)
	return r.finish("")
}

func (server) Targets(_ context.Context, r *pluginv1.TargetsRequest) (*pluginv1.TargetsResponse, error) {
	answer := &pluginv1.TargetsResponse{Targets: []*pluginv1.Target{
		{Id: "t-1", Name: r.GetRef(), State: "selected", Detail: fmt.Appendf(nil, `{"seed":%d,"zone":%q}`, r.GetSeed(), r.GetZone())},
	}}
	switch mode(r.GetConfig()) {
	case "refuse":
		return &pluginv1.TargetsResponse{Failure: &pluginv1.Failure{Message: "no such group", Pointer: "/args/group"}}, nil
	case "many":
		for i := range 3000 {
			answer.Targets = append(answer.Targets, &pluginv1.Target{Id: fmt.Sprint(i)})
		}
	case "hang":
		time.Sleep(time.Hour)
	case "die":
		os.Exit(4)
	case "who":
		answer.Targets[0].Id = attempt("who")
	}
	return answer, nil
}
