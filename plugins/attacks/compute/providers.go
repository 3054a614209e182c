package main

import (
	"time"

	"github.com/chaos-monkey-engine/cmed/sdk/compute"
	"github.com/chaos-monkey-engine/cmed/sdk/compute/docker"
	"github.com/chaos-monkey-engine/cmed/sdk/compute/ec2"
	"github.com/chaos-monkey-engine/cmed/sdk/compute/targeting"
)

// The names of the providers.
const (
	providerEC2    = "ec2"
	providerDocker = "docker"
)

// onNodes is for what can be done to any machine.
var onNodes = targeting.Targeting{
	Providers:  compute.Providers{providerEC2: ec2.Open, providerDocker: docker.Open},
	Default:    providerEC2,
	Regionless: []string{providerDocker},
}

// onContainers is for what can be done to containers alone.
var onContainers = targeting.Targeting{
	Providers:  compute.Providers{providerDocker: docker.Open},
	Default:    providerDocker,
	Regionless: []string{providerDocker},
}

// What the drivers read of the environment. HOME is where profiles, SSO tokens
// and certificates lie. Of the proxies either spelling is in use.
var (
	containersEnv = []string{
		"DOCKER_*", "HOME",
		"HTTP_PROXY", "HTTPS_PROXY", "NO_PROXY", "http_proxy", "https_proxy", "no_proxy", "SSL_CERT_FILE", "SSL_CERT_DIR",
	}
	nodesEnv = append([]string{"AWS_*"}, containersEnv...)
)

// settling is how long a provider may still describe nodes as they were before an
// order that reached it. What EC2 answers is consistent in the end, not at once.
// A Docker Engine goes on with an order whose caller has gone; what a stop takes
// comes on top, see patience.
var settling = map[string]time.Duration{providerEC2: 10 * time.Second, providerDocker: 5 * time.Second}
