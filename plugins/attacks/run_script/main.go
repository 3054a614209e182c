// Command run_script is an attack plugin: it runs a script on other machines, over
// SSH.
//
//	{"ref": "run_script:RunScript",
//	 "args": {"filters": {"tag:Chaos": "true"}, "region": "eu-west-1",
//	          "local_script": "script_attacks/s_burncpu.sh", "remote_script": "/chaos/burn_cpu",
//	          "ssh": {"user": "ec2-user", "pem": "BASE64ENCODEDPEM"}}}
//
// The machines are chosen among a provider's nodes, as the other attacks do, or
// among hosts. On each the script is uploaded, run, and removed; what it prints is
// in the run's log, and a status other than 0 fails the run. A machine is talked
// to only if its host key is one that the args, or known_hosts, name.
//
// Before anything is done to a machine, it is on record how to take that back: to
// end the script's process group, to run undo_script if there is one, and to
// remove the script. The record has no credentials and no variables; an undo has
// them from the plan.
//
// Scripts come from the operator's scripts folder and from nowhere else. Nothing
// in a plan leads out of it.
package main

import (
	"context"
	"encoding/json"

	"github.com/chaos-monkey-engine/cmed/sdk"
	"github.com/chaos-monkey-engine/cmed/sdk/compute"
	"github.com/chaos-monkey-engine/cmed/sdk/compute/docker"
	"github.com/chaos-monkey-engine/cmed/sdk/compute/ec2"
	"github.com/chaos-monkey-engine/cmed/sdk/compute/targeting"
)

const ref = "run_script:RunScript"

// env are the variables that the plugin asks for: those of the providers, the
// home with its ~/.ssh, and the agent.
var env = []string{
	"AWS_*", "DOCKER_*", "HOME", "SSH_AUTH_SOCK",
	"HTTP_PROXY", "HTTPS_PROXY", "NO_PROXY", "http_proxy", "https_proxy", "no_proxy", "SSL_CERT_FILE", "SSL_CERT_DIR",
}

func main() {
	a := attack{targeting: targeting.Targeting{
		Providers:  compute.Providers{providerEC2: ec2.Open, providerDocker: docker.Open},
		Default:    providerEC2,
		Regionless: []string{providerDocker},
	}}
	sdk.Serve(sdk.Attack[scriptArgs]{
		Info: sdk.Info{
			Ref:   ref,
			Title: "Run script",
			Description: "Uploads a script of the scripts folder to one or several machines over SSH, runs it, and removes it. " +
				"The machines are EC2 instances or Docker containers that match filters, or a list of hosts. " +
				"Its undo ends what is left of the script, runs undo_script, and removes what was uploaded.",
			Version:  sdk.Version,
			Effect:   sdk.Undoable,
			Example:  json.RawMessage(example),
			Examples: []any{json.RawMessage(hostsExample)},
			Env:      env,
			DryRun:   true,
		},
		Run:     func(ctx context.Context, args scriptArgs, r *sdk.Run) error { return a.run(ctx, args, daemon{r}) },
		Undo:    a.undoCall,
		Targets: a.targetsCall,
		Check:   a.checkCall,
	})
}

// example is the one that the documentation of the Chaos Monkey Engine prints.
const example = `{
	"filters": {"tag:Chaos": "true"},
	"local_script": "script_attacks/s_burncpu.sh",
	"remote_script": "/chaos/burn_cpu",
	"ssh": {"user": "ec2-user", "pem": "BASE64ENCODEDPEM"},
	"region": "eu-west-1"
}`

// hostsExample needs no provider.
const hostsExample = `{
	"hosts": ["web-1.example.com", "web-2.example.com:2222"],
	"local_script": "script_attacks/s_stop_service.sh",
	"undo_script": "script_attacks/s_stop_service.sh",
	"undo_after": "0s",
	"env": {"UNIT": "shop.service", "DURATION": "5m"},
	"sudo": true,
	"ssh": {"user": "chaos", "key_file": "~/.ssh/chaos"}
}`
