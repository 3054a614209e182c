package main

import (
	"encoding/json"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"time"

	"github.com/chaos-monkey-engine/cmed/sdk/pluginv1"
)

// Faults in how a plugin says what it offers.
func init() {
	register("describe-hangs", printing(func(pluginv1.Description) { time.Sleep(time.Hour) }))
	register("describe-prints-nothing", printing(func(pluginv1.Description) {}))
	register("describe-prints-text", printing(func(pluginv1.Description) { fmt.Println("offers much") }))
	register("describe-exits-with-3", printing(func(d pluginv1.Description) {
		printDescription(d)
		os.Exit(3)
	}))
	register("describe-greets", printing(func(d pluginv1.Description) {
		fmt.Println("loading {everything}")
		printDescription(d)
	}))
	register("describe-takes-leave", printing(func(d pluginv1.Description) {
		printDescription(d)
		fmt.Println("bye")
	}))
	register("describe-slow", printing(func(d pluginv1.Description) {
		time.Sleep(2500 * time.Millisecond)
		printDescription(d)
	}))
	register("describe-misspelt", printing(func(d pluginv1.Description) {
		text, _ := json.Marshal(d)
		fmt.Println(strings.Replace(string(text), `"protocol"`, `"exampels":[],"protocol"`, 1))
	}))
	register("describe-by-rpc-only", printing(func(pluginv1.Description) { os.Exit(2) }))
	register("protocol-99", described(func(d *pluginv1.Description) { d.Protocol = 99 }))
	register("protocol-unsaid", described(func(d *pluginv1.Description) { d.Protocol = 0 }))
	register("describe-changes", described(func(d *pluginv1.Description) { d.Offers[0].Title += fmt.Sprint(" ", os.Getpid()) }))
	register("describe-ways-differ", described(func(d *pluginv1.Description) {
		if serving() {
			d.Offers = d.Offers[:1]
		}
	}))
	register("describe-crashes", described(func(*pluginv1.Description) {
		if serving() {
			panic("not now")
		}
	}))
	register("describe-writes", described(func(*pluginv1.Description) {
		_ = os.WriteFile(filepath.Join(own(), "described"), nil, 0o600)
	}))
	register("describe-connects", described(func(*pluginv1.Description) {
		if c, err := net.DialTimeout("tcp", "192.0.2.1:80", time.Millisecond); err == nil {
			_ = c.Close()
		}
	}))
	register("describe-starts-a-process", described(func(*pluginv1.Description) {
		sleeper(&syscall.SysProcAttr{Setsid: true}, false)
	}))
	register("describe-prints-late", described(func(*pluginv1.Description) {
		if serving() {
			_, _ = syscall.Write(1, []byte("what do I offer?\n"))
		}
	}))
	register("serve-greets", func(*behaviour) {
		if serving() {
			fmt.Println("welcome")
		}
	})
	register("no-sdk", described(func(d *pluginv1.Description) { d.SDK = "" }))
	register("offers-nothing", described(func(d *pluginv1.Description) { d.Offers = []pluginv1.Offer{} }))
	register("warns", described(func(d *pluginv1.Description) { d.Warnings = []string{"old.py: no module named boto"} }))
}

// serving says whether the host has started the plugin to serve.
func serving() bool { return len(os.Args) == 1 }

func printing(answer func(pluginv1.Description)) func(*behaviour) {
	return func(p *behaviour) { p.print = answer }
}

func described(change func(*pluginv1.Description)) func(*behaviour) {
	return func(p *behaviour) { p.describe = change }
}
