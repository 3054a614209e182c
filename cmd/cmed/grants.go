package main

import (
	"errors"

	"github.com/chaos-monkey-engine/cmed/internal/host"
)

// What the attacks that come with cmed ask for. HOME is where profiles, cached
// sign-ons, keys and known hosts are.
const (
	networkVariables   = "HTTP_PROXY,HTTPS_PROXY,NO_PROXY,http_proxy,https_proxy,no_proxy,SSL_CERT_FILE,SSL_CERT_DIR"
	containerVariables = "DOCKER_*,HOME," + networkVariables
	cloudVariables     = "AWS_*," + containerVariables
	scriptVariables    = cloudVariables + ",SSH_AUTH_SOCK"
)

// defaultGrants let those attacks see what they ask for, and no others: refs are
// named whole, for another plugin may offer more under the same module.
var defaultGrants = []string{
	"terminate_ec2_instance:TerminateEC2Instance=" + cloudVariables,
	"terminate_ec2_instance:TerminateEC2InstanceNotExcluded=" + cloudVariables,
	"stop_ec2_instance:StopEC2Instance=" + cloudVariables,
	"reboot_ec2_instance:RebootEC2Instance=" + cloudVariables,
	"kill_container:KillContainer=" + containerVariables,
	"stop_container:StopContainer=" + containerVariables,
	"pause_container:PauseContainer=" + containerVariables,
	"run_script:RunScript=" + scriptVariables,
}

// The words that --plugin-env takes in place of a grant.
const (
	grantNone    = "none"    // nothing at all
	grantDefault = "default" // the default, to add to it
)

// setGrant reads a grant or one of the words.
func setGrant(c *config, s string) error {
	// With none the list is empty and not nil.
	if alone := c.grants != nil && len(c.grants) == 0; alone || s == grantNone && c.grants != nil {
		return errors.New(`"none" stands alone: with it nothing is granted`)
	}
	switch s {
	case grantNone:
		c.grants = []host.Grant{}
	case grantDefault:
		for _, text := range defaultGrants {
			if err := addGrant(c, text); err != nil {
				return err
			}
		}
	default:
		return addGrant(c, s)
	}
	return nil
}

func addGrant(c *config, text string) error {
	grant, err := host.ParseGrant(text)
	if err != nil {
		return err
	}
	c.grants = append(c.grants, grant)
	return nil
}
