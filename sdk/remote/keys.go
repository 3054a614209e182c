package remote

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"net"
	"strings"
	"sync"

	"golang.org/x/crypto/ssh"
	"golang.org/x/crypto/ssh/agent"
)

// keys are what a login can prove itself with: the key given, then those of the
// agent. They are offered as one method, because the ssh package asks each kind
// of method only once.
type keys struct {
	signers []ssh.Signer
	agent   net.Conn
	release func() bool // keeps the end of the context from closing it
	hint    string      // why the agent is of no use, if there is a key besides

	mu      sync.Mutex
	offered bool
}

// openKeys reads the key and asks the agent for its own.
func openKeys(ctx context.Context, login Login) (*keys, error) {
	k := &keys{}
	if len(login.Key) > 0 {
		signer, err := parseKey(login.Key, login.Passphrase)
		if err != nil {
			return nil, err
		}
		k.signers = append(k.signers, signer)
	}
	if login.AgentSocket != "" {
		if err := k.ask(ctx, login.AgentSocket); err != nil {
			if len(k.signers) == 0 {
				return nil, err
			}
			k.hint = "; " + err.Error()
		}
	}
	if len(k.signers) == 0 {
		return nil, fmt.Errorf("%w: neither a key nor an agent is given", ErrKey)
	}
	return k, nil
}

// ask adds the agent's keys. Its connection stays open until close, because the
// agent signs.
func (k *keys) ask(ctx context.Context, socket string) error {
	var dialer net.Dialer
	conn, err := dialer.DialContext(ctx, "unix", socket)
	if err != nil {
		return fmt.Errorf("%w: the agent at %s can't be reached: is it running, and its socket current? %w", ErrKey, socket, err)
	}
	release := context.AfterFunc(ctx, func() { _ = conn.Close() })
	signers, err := agent.NewClient(conn).Signers()
	if err == nil && len(signers) == 0 {
		err = errors.New("it holds none: add one with ssh-add")
	}
	if err != nil {
		release()
		_ = conn.Close()
		if ctx.Err() != nil {
			err = context.Cause(ctx)
		}
		return fmt.Errorf("%w: the agent at %s gives no keys: %w", ErrKey, socket, err)
	}
	k.agent, k.release = conn, release
	k.signers = append(k.signers, signers...)
	return nil
}

func (k *keys) close() {
	if k.agent != nil {
		k.release()
		_ = k.agent.Close()
	}
}

// offer is called when the machine takes public keys at all.
func (k *keys) offer() ([]ssh.Signer, error) {
	k.mu.Lock()
	defer k.mu.Unlock()
	k.offered = true
	return k.signers, nil
}

// tried lists the keys that were offered, by type and fingerprint.
func (k *keys) tried() string {
	k.mu.Lock()
	defer k.mu.Unlock()
	if !k.offered {
		return "none, because it takes no public keys from this user" + k.hint
	}
	var names []string
	for _, s := range k.signers {
		names = append(names, describe(s.PublicKey()))
	}
	return "the method publickey with " + strings.Join(names, ", ") + k.hint
}

// describe names a key without showing it.
func describe(key ssh.PublicKey) string {
	return key.Type() + " " + ssh.FingerprintSHA256(key)
}

// CheckKey returns an error, ErrKey, for a private key that can't be the Key of a
// Login with the passphrase. It shows nothing of either.
func CheckKey(key, passphrase []byte) error {
	_, err := parseKey(key, passphrase)
	return err
}

// parseKey reads a private key. Its errors are its own, so that none has any of
// the key in it.
func parseKey(pem, passphrase []byte) (ssh.Signer, error) {
	signer, err := ssh.ParsePrivateKey(pem)
	if _, locked := errors.AsType[*ssh.PassphraseMissingError](err); locked {
		if len(passphrase) == 0 {
			return nil, fmt.Errorf("%w: the key is protected by a passphrase, and none is given", ErrKey)
		}
		signer, err = ssh.ParsePrivateKeyWithPassphrase(pem, passphrase)
		if err != nil {
			return nil, fmt.Errorf("%w: the passphrase doesn't open the key", ErrKey)
		}
	}
	if err != nil {
		return nil, fmt.Errorf("%w: %s", ErrKey, mistaken(pem))
	}
	return signer, nil
}

// mistaken says what a text that isn't a private key probably is.
func mistaken(pem []byte) string {
	text := bytes.TrimSpace(pem)
	for _, public := range []string{"ssh-", "ecdsa-", "sk-", "---- BEGIN SSH2 PUBLIC KEY", "-----BEGIN PUBLIC KEY", "-----BEGIN RSA PUBLIC KEY"} {
		if bytes.HasPrefix(text, []byte(public)) {
			return "that is a public key; the private one is in the file without .pub"
		}
	}
	switch {
	case bytes.HasPrefix(text, []byte("PuTTY-User-Key-File")):
		return "that is a key of PuTTY's; convert it with: puttygen KEY -O private-openssh"
	case !bytes.Contains(text, []byte("-----BEGIN")):
		return "that is not in PEM; is it still encoded, or cut off at its beginning?"
	}
	return "the key is damaged, or of a kind that is not supported"
}
