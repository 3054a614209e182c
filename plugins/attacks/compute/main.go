// Command compute is an attack plugin: it terminates, stops and reboots machines,
// and kills, stops and pauses containers.
//
//	{"ref": "terminate_ec2_instance:TerminateEC2Instance",
//	 "args": {"filters": {"tag:Chaos": "true"}, "region": "eu-west-1"}}
//
// All attacks choose in the same way whom they hit: the nodes that match the
// filters and are not excluded are the candidates, and one of them is hit, or
// more with count or percent. Candidates, seed and choice are on record before
// anything is done, the provider's answer after it.
//
// To terminate can't be taken back. A reboot is over by itself. What was stopped,
// killed or paused is started or unpaused again by an undo: when the run fails,
// is stopped or times out, when somebody halts it later, or by itself after
// undo_after. An undo touches only what is still as the run left it.
//
// Nothing in a plan chooses where a provider is or who asks it: the environment
// does (AWS_..., DOCKER_HOST), as far as the operator grants it.
package main

import "github.com/chaos-monkey-engine/cmed/sdk"

func main() { sdk.Serve(offers()...) }

// offers are all the attacks, each with both providers but for those that only
// containers know.
func offers() []sdk.Offer {
	return []sdk.Offer{
		newAttack[terminateArgs](terminateInfo, onNodes, terminate),
		newAttack[notExcludedArgs](notExcludedInfo, onNodes, terminate),
		newAttack[stopArgs](stopInfo, onNodes, stop),
		newAttack[rebootArgs](rebootInfo, onNodes, reboot),
		newAttack[containerArgs](killContainerInfo, onContainers, kill),
		newAttack[containerArgs](stopContainerInfo, onContainers, stop),
		newAttack[pauseArgs](pauseContainerInfo, onContainers, pause),
	}
}
