package main

import (
	"encoding/json"

	"github.com/chaos-monkey-engine/cmed/sdk"
)

// The attacks as the catalogue shows them. The first two, and their examples,
// are those of the Chaos Monkey Engine of 2017.

var terminateInfo = sdk.Info{
	Ref:   "terminate_ec2_instance:TerminateEC2Instance",
	Title: "Terminate EC2 instance",
	Description: "Terminates a random EC2 instance, or several, of those that match any EC2 filters. " +
		"An instance that is terminated is gone for good. With provider docker, containers are killed and removed.",
	Effect:  sdk.Irreversible,
	Example: json.RawMessage(`{"filters": {"tag:Name": "playground-asg"}, "region": "eu-west-1"}`),
	Examples: []any{
		json.RawMessage(`{"filters": {"tag:Chaos": "true"}}`),
		json.RawMessage(`{"filters": {"instance-state-name": "running"}}`),
		json.RawMessage(`{"filters": {"tag:Chaos": "true", "availability-zone": ["eu-west-1a", "eu-west-1b"]},
			"excluded": {"tag:Domain": "payments"}, "percent": 20, "region": "eu-west-1", "dry_run": true}`),
		json.RawMessage(`{"provider": "docker", "filters": {"label:chaos": "true"}, "count": 2}`),
	},
	Env: nodesEnv,
}

var notExcludedInfo = sdk.Info{
	Ref:     "terminate_ec2_instance:TerminateEC2InstanceNotExcluded",
	Aliases: []string{"terminate_ec2_instance_not_excluded:TerminateEC2InstanceNotExcluded"},
	Title:   "Terminate EC2 instance not excluded",
	Description: "Terminates a random EC2 instance, or several, of those that match any EC2 filters and none of the filters in excluded. " +
		"An instance that is terminated is gone for good.",
	Effect:  sdk.Irreversible,
	Example: json.RawMessage(`{"filters": {"tag:Chaos": "true"}, "excluded": {"availability-zone": "eu-west-1a"}}`),
	Examples: []any{
		json.RawMessage(`{"filters": {"tag:Chaos": "true"}, "excluded": {"tag:Domain": ["payments", "identity"]}, "region": "eu-west-1"}`),
	},
	Env: nodesEnv,
}

var stopInfo = sdk.Info{
	Ref:   "stop_ec2_instance:StopEC2Instance",
	Title: "Stop EC2 instance",
	Description: "Stops a random EC2 instance, or several, of those that match any EC2 filters. " +
		"Its undo starts again those that it stopped and that nobody has started or terminated since; with undo_after that happens by itself.",
	Effect:  sdk.Undoable,
	Example: json.RawMessage(`{"filters": {"tag:Chaos": "true"}, "region": "eu-west-1"}`),
	Examples: []any{
		json.RawMessage(`{"filters": {"tag:Chaos": "true"}, "count": 2, "undo_after": "30m"}`),
	},
	Env: nodesEnv,
}

var rebootInfo = sdk.Info{
	Ref:   "reboot_ec2_instance:RebootEC2Instance",
	Title: "Reboot EC2 instance",
	Description: "Reboots a random EC2 instance, or several, of those that match any EC2 filters. " +
		"The run is over when the provider has taken the order; the instance is back by itself.",
	Effect:  sdk.SelfLimiting,
	Example: json.RawMessage(`{"filters": {"tag:Chaos": "true"}, "region": "eu-west-1"}`),
	Env:     nodesEnv,
}

var killContainerInfo = sdk.Info{
	Ref:   "kill_container:KillContainer",
	Title: "Kill container",
	Description: "Kills a random Docker container, or several, with SIGKILL. Its restart policy doesn't start it again, but its undo does; " +
		"with undo_after that happens by itself.",
	Effect:  sdk.Undoable,
	Example: json.RawMessage(`{"filters": {"label:chaos": "true"}}`),
	Examples: []any{
		json.RawMessage(`{"filters": {"compose-project": "shop", "name": "shop-web-*"}, "percent": 50, "undo_after": "5m"}`),
	},
	Env: containersEnv,
}

var stopContainerInfo = sdk.Info{
	Ref:   "stop_container:StopContainer",
	Title: "Stop container",
	Description: "Stops a random Docker container, or several, as docker stop does. Its undo starts it again; " +
		"with undo_after that happens by itself.",
	Effect:  sdk.Undoable,
	Example: json.RawMessage(`{"filters": {"label:chaos": "true"}}`),
	Examples: []any{
		json.RawMessage(`{"filters": {"label:chaos": "true"}, "excluded": {"name": "*-db"}, "count": 2, "undo_after": "10m"}`),
	},
	Env: containersEnv,
}

var pauseContainerInfo = sdk.Info{
	Ref:   "pause_container:PauseContainer",
	Title: "Pause container",
	Description: "Freezes all processes of a random Docker container, or of several: it still holds its connections, but doesn't answer. " +
		"Its undo lets them go on; with undo_after that happens by itself.",
	Effect:  sdk.Undoable,
	Example: json.RawMessage(`{"filters": {"label:chaos": "true"}, "undo_after": "1m"}`),
	Env:     containersEnv,
}
