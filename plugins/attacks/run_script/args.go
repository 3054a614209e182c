package main

import (
	"cmp"
	"fmt"
	"maps"
	"path"
	"regexp"
	"strings"
	"time"
	"unicode"

	"github.com/chaos-monkey-engine/cmed/sdk"
	"github.com/chaos-monkey-engine/cmed/sdk/compute/targeting"
	"github.com/chaos-monkey-engine/cmed/sdk/remote"
)

// The names of the providers, and of what stands in their place in a report when
// the machines are hosts.
const (
	providerEC2    = "ec2"
	providerDocker = "docker"
	providerHosts  = "hosts"
)

// scriptArgs is what the attack is configured with.
type scriptArgs struct {
	targeting.Args
	Hosts        []host            `json:"hosts,omitempty" jsonschema:"minItems=1,maxItems=1000" jsonschema_description:"The machines, instead of filters: each a name or an IP address, with a port if it isn't that of ssh (web-1, web-1:2222, [::1]:22), or an object with host, port and host_key. One of them is hit, or more with count or percent." ui:"group=Targets"`
	LocalScript  string            `json:"local_script" jsonschema:"minLength=1,maxLength=1024" jsonschema_description:"The script to run: a path inside the scripts folder of the daemon (--scripts-folder), of a file of at most 1 MiB. It is executed as it is, so it begins with #! and its interpreter; without, sh reads it." ui:"group=Script"`
	RemoteScript string            `json:"remote_script,omitempty" jsonschema:"maxLength=1024" jsonschema_description:"Where the script is put on the machine: an absolute path, where nothing else may lie. Folders that are missing are made, and removed again. Without it, a file of its own in /tmp." ui:"group=Script"`
	SSH          sshArgs           `json:"ssh" jsonschema_description:"How to log in." ui:"group=Login"`
	Address      string            `json:"address,omitempty" jsonschema:"enum=private,enum=public,default=private" jsonschema_description:"Which address of a provider's node is connected to." ui:"group=Targets"`
	Timeout      *sdk.Duration     `json:"timeout,omitempty" jsonschema_description:"How long the script may run on a machine, at most 24h. When that is over it is ended there and the run fails. Without it, the plan's timeout alone bounds it." ui:"group=Script"`
	Arguments    []string          `json:"args,omitempty" jsonschema:"maxItems=256" jsonschema_description:"Arguments of the script. They can be seen in the machine's list of processes, so keep secrets in secret_env." ui:"group=Script"`
	Env          map[string]string `json:"env,omitempty" jsonschema_description:"Environment variables of the script, besides CMED_JOB, which names the run on this machine. Everybody who sees the plan sees them; secrets go into secret_env." ui:"group=Script"`
	SecretEnv    map[string]string `json:"secret_env,omitempty" jsonschema_description:"Environment variables of the script whose values are never shown again, and are taken out of what it prints. A name is in one of env and secret_env. Both are handed over on standard input, never on a command line." ui:"group=Script"`
	Sudo         bool              `json:"sudo,omitempty" jsonschema:"default=false" jsonschema_description:"Run the scripts as root, by sudo without a password." ui:"group=Script"`
	Cleanup      *bool             `json:"cleanup,omitempty" jsonschema:"default=true" jsonschema_description:"Remove the script from the machine afterwards. With an undo_script it stays until the undo." ui:"group=Script"`
	UndoScript   string            `json:"undo_script,omitempty" jsonschema:"maxLength=1024" jsonschema_description:"A script that takes back what the first one does: a path inside the scripts folder, of a file of at most 40 KiB, which may be the same. An undo ends the first script with all it left running, then runs this one with the same args, env and secret_env, and with CMED_UNDO=1 and CMED_UNDO_JOB, the CMED_JOB of the first. It may come when there is nothing, or only half, to take back. A kept copy is run, whatever becomes of the file." ui:"group=Undo"`
	UndoAfter    *sdk.Duration     `json:"undo_after,omitempty" jsonschema_description:"How long after the script has succeeded undo_script runs by itself, also when cmed was restarted meanwhile; 0s: at once, within the run. Without it the effect stays until somebody halts the run." ui:"group=Undo"`
}

// sshArgs say how to log in.
type sshArgs struct {
	User           string        `json:"user" jsonschema:"minLength=1,maxLength=256" jsonschema_description:"The user to log in as."`
	PEM            string        `json:"pem,omitempty" jsonschema:"writeOnly=true,maxLength=65536" jsonschema_description:"The private key: the base64 of its file, in PEM or OpenSSH's format (base64 -w0 key.pem). It is never shown again." ui:"group=Key"`
	KeyFile        string        `json:"key_file,omitempty" jsonschema:"maxLength=1024" jsonschema_description:"The private key as a file on the daemon's machine, instead of pem: an absolute path, or one that begins with ~/." ui:"group=Key"`
	Agent          bool          `json:"agent,omitempty" jsonschema:"default=false" jsonschema_description:"Ask the SSH agent of the daemon's environment (SSH_AUTH_SOCK) for keys, alone or besides the other." ui:"group=Key"`
	Passphrase     string        `json:"passphrase,omitempty" jsonschema:"writeOnly=true,maxLength=1024" jsonschema_description:"What opens the private key, if it is protected. It is never shown again." ui:"group=Key"`
	Port           int           `json:"port,omitempty" jsonschema:"minimum=1,maximum=65535,default=22" jsonschema_description:"The port of the SSH server."`
	ConnectTimeout *sdk.Duration `json:"connect_timeout,omitempty" jsonschema:"default=10s" jsonschema_description:"How long connecting and logging in may take, more than 0 and at most 5m."`
	KnownHosts     []string      `json:"known_hosts,omitempty" jsonschema:"minItems=1,maxItems=16" jsonschema_description:"Files on the daemon's machine with the keys of the machines, as OpenSSH's known_hosts: absolute paths, or such that begin with ~/. Without this, host_key and insecure_ignore_host_key they are ~/.ssh/known_hosts and /etc/ssh/ssh_known_hosts." ui:"group=Host keys"`
	HostKey        string        `json:"host_key,omitempty" jsonschema:"maxLength=16384" jsonschema_description:"The only key that a machine may show: a line like ssh-ed25519 AAAA... or a fingerprint like SHA256:..." ui:"group=Host keys"`
	InsecureIgnore bool          `json:"insecure_ignore_host_key,omitempty" jsonschema:"default=false" jsonschema_description:"Accept any host key. Whoever is in between can then read the script with its secrets, and answer in the machine's place." ui:"group=Host keys"`
}

const (
	defaultPort           = 22
	defaultConnectTimeout = 10 * time.Second
	longestConnect        = 5 * time.Minute
	longestTimeout        = 24 * time.Hour
)

func (a scriptArgs) cleanup() bool { return a.Cleanup == nil || *a.Cleanup }

// timeout bounds the script; 0: nothing but the run does.
func (a scriptArgs) timeout() time.Duration {
	if a.Timeout == nil {
		return 0
	}
	return time.Duration(*a.Timeout)
}

func (s sshArgs) port() int { return cmp.Or(s.Port, defaultPort) }

func (s sshArgs) connectTimeout() time.Duration {
	if s.ConnectTimeout == nil {
		return defaultConnectTimeout
	}
	return time.Duration(*s.ConnectTimeout)
}

// check refuses what contradicts itself or can't be. The errors are made with
// sdk.Invalid.
func (a scriptArgs) check() error {
	for _, check := range []func() error{a.checkTargets, a.checkPaths, a.checkScript, a.SSH.checkKeys, a.checkHostKeys} {
		if err := check(); err != nil {
			return err
		}
	}
	return nil
}

// checkTargets sees that it is said whom to hit, once.
func (a scriptArgs) checkTargets() error {
	switch {
	case len(a.Hosts) == 0 && a.Filters == nil:
		return sdk.Invalid("/filters", "neither filters nor hosts say whom to hit; empty filters, {}, mean every running node")
	case len(a.Hosts) == 0:
		return nil
	case a.Filters != nil:
		return sdk.Invalid("/hosts", "hosts and filters are both given; leave one of them out")
	case a.Excluded != nil:
		return sdk.Invalid("/excluded", "excluded goes with filters; leave out of hosts what must not be hit")
	case a.Provider != "":
		return sdk.Invalid("/provider", "hosts have no provider; leave it out")
	case a.Region != "":
		return sdk.Invalid("/region", "hosts have no region; leave it out")
	case a.Address != "":
		return sdk.Invalid("/address", "hosts have no other address; leave it out")
	}
	return nil
}

func (a scriptArgs) checkPaths() error {
	if p := a.RemoteScript; p != "" {
		if !path.IsAbs(p) || path.Clean(p) != p || p == "/" || strings.ContainsFunc(p, unicode.IsControl) {
			return sdk.Invalid("/remote_script", "%q is not a plain absolute path such as /chaos/burn_cpu", p)
		}
	}
	if err := inFolder("/local_script", a.LocalScript); err != nil {
		return err
	}
	if a.UndoScript == "" {
		if a.UndoAfter != nil {
			return sdk.Invalid("/undo_after", "undo_after says when undo_script runs, which is not given")
		}
		return nil
	}
	return inFolder("/undo_script", a.UndoScript)
}

var variableName = regexp.MustCompile(`^[A-Za-z_][A-Za-z0-9_]*$`)

// reserved are variables that a shell, or the run, keeps to itself.
var reserved = map[string]bool{
	"BASHOPTS": true, "BASH_VERSINFO": true, "EUID": true, "OPTIND": true, "PPID": true, "SHELLOPTS": true, "UID": true,
	envJob: true, envUndo: true, envUndoJob: true,
}

func (a scriptArgs) checkScript() error {
	if err := checkVariables("/env/", a.Env); err != nil {
		return err
	}
	if err := checkVariables("/secret_env/", a.SecretEnv); err != nil {
		return err
	}
	for name := range a.SecretEnv {
		if _, twice := a.Env[name]; twice {
			return sdk.Invalid("/secret_env/"+pointerEscape.Replace(name), "the variable %s is in env and in secret_env; leave one of them out", name)
		}
	}
	for i, argument := range a.Arguments {
		if strings.ContainsRune(argument, 0) {
			return sdk.Invalid("/args", "argument %d holds a NUL character, which no program can be given", i+1)
		}
	}
	if a.Timeout != nil && (a.timeout() <= 0 || a.timeout() > longestTimeout) {
		return sdk.Invalid("/timeout", "the timeout is %s, and must be more than 0 and at most %s", a.timeout(), longestTimeout)
	}
	if t := a.SSH.connectTimeout(); t <= 0 || t > longestConnect {
		return sdk.Invalid("/ssh/connect_timeout", "the timeout is %s, and must be more than 0 and at most %s", t, longestConnect)
	}
	return nil
}

// checkVariables refuses variables that no script can be given.
func checkVariables(member string, variables map[string]string) error {
	for name, value := range variables {
		switch pointer := member + pointerEscape.Replace(name); {
		case !variableName.MatchString(name):
			return sdk.Invalid(pointer, "%q can't be the name of an environment variable", name)
		case reserved[name]:
			return sdk.Invalid(pointer, "the variable %s can't be set: the shell or the run has its own", name)
		case strings.ContainsRune(value, 0):
			return sdk.Invalid(pointer, "the value of %s holds a NUL character, which no program can be given", name)
		}
	}
	return nil
}

// variables are those of both kinds.
func (a scriptArgs) variables() map[string]string {
	all := maps.Clone(a.Env)
	if all == nil {
		all = map[string]string{}
	}
	maps.Copy(all, a.SecretEnv)
	return all
}

// pointerEscape writes a name as a part of a JSON pointer (RFC 6901).
var pointerEscape = strings.NewReplacer("~", "~0", "/", "~1")

// checkHostKeys sees that one way to check host keys is chosen.
func (a scriptArgs) checkHostKeys() error {
	s := a.SSH
	switch {
	case s.InsecureIgnore && s.HostKey != "":
		return sdk.Invalid("/ssh/insecure_ignore_host_key", "host_key and insecure_ignore_host_key are both given; leave one of them out")
	case s.InsecureIgnore && len(s.KnownHosts) > 0:
		return sdk.Invalid("/ssh/insecure_ignore_host_key", "known_hosts and insecure_ignore_host_key are both given; leave one of them out")
	case s.HostKey != "" && len(s.KnownHosts) > 0:
		return sdk.Invalid("/ssh/host_key", "known_hosts and host_key are both given; leave one of them out")
	}
	if err := checkHostKey("/ssh/host_key", s.HostKey); err != nil {
		return err
	}
	for i, h := range a.Hosts {
		if h.HostKey != "" && s.InsecureIgnore {
			return sdk.Invalid("/ssh/insecure_ignore_host_key", "the host %s has a host_key, and insecure_ignore_host_key is given; leave one of them out", h.Host)
		}
		if err := checkHostKey(fmt.Sprintf("/hosts/%d/host_key", i), h.HostKey); err != nil {
			return err
		}
	}
	return nil
}

// checkHostKey refuses a key that no machine could show.
func checkHostKey(pointer, key string) error {
	if key == "" {
		return nil
	}
	if err := remote.CheckHostKey(key); err != nil {
		return sdk.Invalid(pointer, "%w", err)
	}
	return nil
}
