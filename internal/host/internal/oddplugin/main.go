// Command oddplugin is a plugin for the host's tests. It is written against the
// bare protocol, so that it can do what the SDK never would. Its file name says
// how it describes and serves itself; the mode in a config's args says how a
// call goes.
package main

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/hashicorp/go-hclog"
	"github.com/hashicorp/go-plugin"
	"google.golang.org/grpc"

	"github.com/chaos-monkey-engine/cmed/sdk/pluginv1"
)

func main() {
	if len(os.Args) > 1 && os.Args[1] == pluginv1.DescribeArg {
		count("describe")
		describe()
		return
	}
	serve()
}

// name is the file's name up to the first dash.
func name() string {
	first, _, _ := strings.Cut(filepath.Base(os.Getenv(pluginv1.EnvPluginPath)), "-")
	return first
}

// count adds a line to a dot-file beside the plugin file.
func count(what string) {
	dir, file := filepath.Split(os.Getenv(pluginv1.EnvPluginPath))
	path := filepath.Join(dir, "."+file+"."+what)
	f, err := os.OpenFile(path, os.O_APPEND|os.O_CREATE|os.O_WRONLY, 0o600) //nolint:gosec // the host names it
	if err != nil {
		return
	}
	_, _ = fmt.Fprintln(f, os.Getpid())
	_ = f.Close()
}

func describe() {
	switch name() {
	case "hang":
		time.Sleep(time.Hour)
	case "garbage":
		fmt.Println("hello, world")
	case "crash":
		panic("describe panics")
	case "exits":
		os.Exit(3)
	case "long":
		fmt.Println(strings.Repeat("x", 2<<20))
	case "served", "future":
		os.Exit(1)
	case "newer":
		answer(pluginv1.Description{Protocol: 7})
	default:
		answer(description())
	}
}

func answer(d pluginv1.Description) { _ = json.NewEncoder(os.Stdout).Encode(d) }

// description offers "<name>:Odd", and what the name adds to it.
func description() pluginv1.Description {
	offer := pluginv1.Offer{
		Ref: name() + ":Odd", Kind: "attack", Version: "1", Schema: json.RawMessage(`{"type":"object"}`),
		Examples: []json.RawMessage{json.RawMessage(`{"ref":"odd:Odd","args":{}}`)},
		Effect:   "none", Env: []string{"ODD_*", "WANTED", "HOME"},
		CanDryRun: true, CanListTargets: true, CanCheck: true,
	}
	d := pluginv1.Description{Protocol: pluginv1.Version, SDK: "none"}
	switch name() {
	case "greedy":
		offer.Env = []string{"PATH"}
	case "planner":
		offer.Kind = "planner"
	case "badref":
		offer.Ref = "no ref at all"
	case "badschema":
		offer.Schema = json.RawMessage(`{"type":"nothing"}`)
	case "badexample":
		offer.Schema = json.RawMessage(`{"type":"object","required":["other"]}`)
	case "aliased":
		offer.Aliases = []string{"other.Name", "odd:Odd"}
	case "watching":
		offer.Watch = []string{".list"}
	case "empty":
		return d
	case "folder":
		return ofFolder(d)
	case "overwatched":
		d.Watch = strings.Split(strings.Repeat("x ", 1001), " ")[:1001]
	}
	d.Offers = []pluginv1.Offer{offer}
	return d
}

// ofFolder offers an attack for each file in a folder beside the plugin file, and
// warns of those whose name is no ref.
func ofFolder(d pluginv1.Description) pluginv1.Description {
	d.Watch = []string{"modules"}
	entries, _ := os.ReadDir(filepath.Join(filepath.Dir(os.Getenv(pluginv1.EnvPluginPath)), "modules"))
	for _, e := range entries {
		module, isModule := strings.CutSuffix(e.Name(), ".odd")
		if !isModule {
			d.Warnings = append(d.Warnings, e.Name()+" is no module")
			continue
		}
		d.Offers = append(d.Offers, pluginv1.Offer{
			Ref: module + ":Odd", Kind: "attack", Schema: json.RawMessage(`{"type":"object"}`),
		})
	}
	return d
}

func serve() {
	switch name() {
	case "mute":
		time.Sleep(time.Hour)
	case "chatty":
		fmt.Println("good morning")
	case "deaf":
		fmt.Printf("1|1|unix|%s/nothing|grpc\n", os.Getenv(plugin.EnvUnixSocketDir))
		time.Sleep(time.Hour)
	case "elsewhere":
		fmt.Println("1|1|tcp|127.0.0.1:1|grpc")
		time.Sleep(time.Hour)
	}
	version := pluginv1.Version
	if name() == "future" {
		version = 7
	}
	plugin.Serve(&plugin.ServeConfig{
		HandshakeConfig: plugin.HandshakeConfig{
			MagicCookieKey: pluginv1.CookieKey, MagicCookieValue: pluginv1.CookieValue,
		},
		VersionedPlugins: map[int]plugin.PluginSet{version: {pluginv1.Name: adapter{}}},
		Logger:           hclog.NewNullLogger(),
		GRPCServer: func(o []grpc.ServerOption) *grpc.Server {
			return grpc.NewServer(append(o, grpc.MaxRecvMsgSize(2*pluginv1.MaxMessage))...)
		},
	})
}
