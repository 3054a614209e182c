package main

import (
	"encoding/base64"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/chaos-monkey-engine/cmed/sdk"
	"github.com/chaos-monkey-engine/cmed/sdk/remote"
)

// longestKey bounds a file that should hold a private key.
const longestKey = 1 << 20

// checkKeys sees that there is a key, and one only.
func (s sshArgs) checkKeys() error {
	switch {
	case s.PEM != "" && s.KeyFile != "":
		return sdk.Invalid("/ssh/key_file", "pem and key_file are both given; leave one of them out")
	case s.PEM == "" && s.KeyFile == "" && !s.Agent:
		return sdk.Invalid("/ssh", "there is no key to log in with: give pem, key_file or agent")
	case s.Passphrase != "" && s.PEM == "" && s.KeyFile == "":
		return sdk.Invalid("/ssh/passphrase", "the passphrase opens pem or key_file, of which none is given")
	}
	return nil
}

// login is how to get into any machine, whose host key is another matter. The
// errors say all that is missing on this machine.
func (s sshArgs) login() (remote.Login, []error) {
	login := remote.Login{User: s.User, Passphrase: []byte(s.Passphrase), Timeout: s.connectTimeout()}
	var missing [2]error
	login.Key, missing[0] = s.key()
	login.AgentSocket, missing[1] = s.agentSocket()
	return login, slices.DeleteFunc(missing[:], func(err error) bool { return err == nil })
}

// agentSocket is where the agent is asked; "" if it isn't.
func (s sshArgs) agentSocket() (string, error) {
	if !s.Agent {
		return "", nil
	}
	socket, set := os.LookupEnv("SSH_AUTH_SOCK")
	switch {
	case !set:
		return "", sdk.Invalid("/ssh/agent", "there is no SSH agent: the attack has no SSH_AUTH_SOCK; where nothing says that the daemon withholds it, the daemon has none itself")
	case socket == "":
		return "", sdk.Invalid("/ssh/agent", "there is no SSH agent: the daemon's SSH_AUTH_SOCK is empty")
	}
	return socket, nil
}

// hostKeys are those that a machine may show: the pinned one or, if that is empty,
// what the args say.
func (s sshArgs) hostKeys(pinned string) (remote.HostKeys, error) {
	switch {
	case pinned != "":
		return remote.HostKeys{Pinned: pinned}, nil
	case s.InsecureIgnore:
		return remote.HostKeys{InsecureIgnore: true}, nil
	case s.HostKey != "":
		return remote.HostKeys{Pinned: s.HostKey}, nil
	}
	files, err := s.knownHosts()
	return remote.HostKeys{KnownHosts: files}, err
}

// key is the private key, readable; nil if there is only an agent. Errors show
// nothing of it.
func (s sshArgs) key() ([]byte, error) {
	switch {
	case s.PEM != "":
		key, err := decodePEM(s.PEM)
		if err == nil {
			err = remote.CheckKey(key, []byte(s.Passphrase))
		}
		if err != nil {
			return nil, sdk.Invalid("/ssh/pem", "pem is not the base64 of a private key: %w", err)
		}
		return key, nil
	case s.KeyFile != "":
		key, err := readKey(s.KeyFile)
		if err == nil {
			err = remote.CheckKey(key, []byte(s.Passphrase))
		}
		if err != nil {
			return nil, sdk.Invalid("/ssh/key_file", "the key_file %s is of no use: %w", s.KeyFile, err)
		}
		return key, nil
	}
	return nil, nil
}

// decodePEM reads base64, with or without breaks in it, and a PEM as it is too.
func decodePEM(text string) ([]byte, error) {
	if strings.Contains(text, "-----BEGIN ") {
		return []byte(text), nil
	}
	key, err := base64.StdEncoding.DecodeString(strings.Join(strings.Fields(text), ""))
	if err != nil {
		return nil, errors.New("it is not base64")
	}
	return key, nil
}

func readKey(name string) ([]byte, error) {
	path, err := expand(name)
	if err != nil {
		return nil, err
	}
	file, err := os.OpenFile(path, readAtOnce, 0) //nolint:gosec // asked for in the plan; what is no key goes nowhere
	if err != nil {
		return nil, err
	}
	key, err := readRegular(file, longestKey)
	if err != nil {
		return nil, fmt.Errorf("it %w", err)
	}
	return key, nil
}

// defaultKnownHosts are where OpenSSH looks.
var defaultKnownHosts = []string{"~/.ssh/known_hosts", "/etc/ssh/ssh_known_hosts"}

// knownHosts are the files with the machines' keys. Those that are given must be
// there; of the default ones, one.
func (s sshArgs) knownHosts() ([]string, error) {
	given := s.KnownHosts
	if len(given) == 0 {
		given = defaultKnownHosts
	}
	var files, missing []string
	var reason error
	for _, name := range given {
		file, err := expand(name)
		if err == nil {
			err = remote.CheckKnownHosts(file)
		}
		if err != nil {
			missing = append(missing, name)
			reason = errors.Join(reason, err)
			continue
		}
		files = append(files, file)
	}
	switch {
	case len(s.KnownHosts) > 0 && len(missing) > 0:
		return files, sdk.Invalid("/ssh/known_hosts", "the known_hosts file %s can't be read: %w", missing[0], reason)
	case len(files) == 0:
		return files, sdk.Invalid("/ssh", "no machine's host key is known: there is neither %s; make one with ssh-keyscan, "+
			"or give known_hosts, host_key or insecure_ignore_host_key", strings.Join(missing, " nor "))
	}
	return files, nil
}

// expand puts the home that the daemon grants in the place of ~.
func expand(name string) (string, error) {
	if rest, ok := strings.CutPrefix(name, "~/"); ok {
		home, err := os.UserHomeDir()
		if err != nil {
			return "", fmt.Errorf("%s: the daemon grants no HOME", name)
		}
		return filepath.Join(home, rest), nil
	}
	if !filepath.IsAbs(name) {
		return "", fmt.Errorf("%q is not an absolute path, and doesn't begin with ~/", name)
	}
	return name, nil
}
