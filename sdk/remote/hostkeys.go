package remote

import (
	"bytes"
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"fmt"
	"net"
	"slices"
	"strings"

	"golang.org/x/crypto/ssh"
)

// hostPolicy decides on the key that a machine shows.
type hostPolicy struct {
	// algorithms are asked for, the preferred ones first. A server shows one of
	// its keys only, the first that the client asks for: so those must not be
	// asked for that can't be accepted.
	algorithms []string
	check      ssh.HostKeyCallback
	// narrow takes the algorithms away that led to a refusal. It reports false if
	// there is nothing left to try.
	narrow func() bool
	// nothingCommon words that the machine has none of the algorithms.
	nothingCommon func(offered []string) error
}

// newHostPolicy returns the policy of the one field that is set.
func newHostPolicy(addr string, keys HostKeys) (*hostPolicy, error) {
	set := 0
	for _, given := range []bool{len(keys.KnownHosts) > 0, keys.Pinned != "", keys.InsecureIgnore} {
		if given {
			set++
		}
	}
	if set != 1 {
		return nil, fmt.Errorf("%w: exactly one of known_hosts files, a pinned key and accepting any must be given", ErrHostKey)
	}
	p := &hostPolicy{
		narrow: func() bool { return false },
		nothingCommon: func(offered []string) error {
			return fmt.Errorf("%w: %s has only keys of kinds that are not safe any more: %s", ErrHostKey, addr, strings.Join(offered, ", "))
		},
	}
	switch {
	case keys.InsecureIgnore:
		p.algorithms = plainAlgorithms()
		p.check = func(string, net.Addr, ssh.PublicKey) error { return nil }
		return p, nil
	case len(keys.KnownHosts) > 0:
		return p, p.useKnownHosts(addr, keys.KnownHosts)
	}
	if err := CheckHostKey(keys.Pinned); err != nil {
		return nil, err
	}
	if fingerprint, ok := parseFingerprint(keys.Pinned); ok {
		p.useFingerprint(addr, fingerprint)
		return p, nil
	}
	return p, p.useKey(addr, keys.Pinned)
}

// useKey accepts one key.
func (p *hostPolicy) useKey(addr, line string) error {
	want, err := parsePinned(line)
	if err != nil {
		return err
	}
	p.algorithms = algorithmsOf(want.Type())
	p.check = func(_ string, _ net.Addr, key ssh.PublicKey) error {
		if bytes.Equal(key.Marshal(), want.Marshal()) {
			return nil
		}
		return fmt.Errorf("%w: %s showed %s, but %s is pinned. %s", ErrHostKey, addr, describe(key), describe(want), between)
	}
	p.nothingCommon = func(offered []string) error {
		return fmt.Errorf("%w: %s is pinned, but %s has only keys for %s. %s", ErrHostKey, describe(want), addr, strings.Join(offered, ", "), between)
	}
	return nil
}

// between is what a changed key may mean.
const between = "Somebody may be in between; if the machine was set up anew, compare its key and replace the one on file"

// CheckHostKey returns an error, ErrHostKey, for a text that can't be the Pinned of
// HostKeys.
func CheckHostKey(pinned string) error {
	if _, ok := parseFingerprint(pinned); ok {
		return nil
	}
	_, err := parsePinned(pinned)
	return err
}

// parseFingerprint reads a SHA-256 fingerprint as ssh-keygen prints it.
func parseFingerprint(text string) (string, bool) {
	text = strings.TrimRight(strings.TrimSpace(text), "=")
	sum, err := base64.RawStdEncoding.DecodeString(strings.TrimPrefix(text, "SHA256:"))
	return text, err == nil && len(sum) == sha256.Size && strings.HasPrefix(text, "SHA256:")
}

// parsePinned reads a key as authorized_keys or known_hosts has it.
func parsePinned(line string) (ssh.PublicKey, error) {
	line = strings.TrimSpace(line)
	if key, _, _, _, err := ssh.ParseAuthorizedKey([]byte(line)); err == nil {
		return key, nil
	}
	if marker, _, key, _, _, err := ssh.ParseKnownHosts([]byte(line)); err == nil && marker == "" {
		return key, nil
	}
	return nil, fmt.Errorf("%w: the pinned key is neither a line like \"ssh-ed25519 AAAA…\" nor a fingerprint like \"SHA256:…\"", ErrHostKey)
}

// useFingerprint accepts the key that has the fingerprint, of whatever type.
func (p *hostPolicy) useFingerprint(addr, want string) {
	p.algorithms = plainAlgorithms()
	var shown []string
	refused := ""
	wrong := func() error {
		return fmt.Errorf("%w: the fingerprint %s is pinned, but %s showed %s. %s", ErrHostKey, want, addr, strings.Join(shown, " and "), between)
	}
	p.check = func(_ string, _ net.Addr, key ssh.PublicKey) error {
		refused = ""
		if ssh.FingerprintSHA256(key) == want {
			return nil
		}
		refused = key.Type()
		shown = append(shown, describe(key))
		return wrong()
	}
	p.narrow = func() bool {
		if refused == "" {
			return false
		}
		gone := algorithmsOf(refused)
		refused = ""
		p.algorithms = slices.DeleteFunc(p.algorithms, func(a string) bool { return slices.Contains(gone, a) })
		return len(p.algorithms) > 0
	}
	p.nothingCommon = func(offered []string) error {
		if len(shown) == 0 {
			return errors.Join(ErrHostKey, fmt.Errorf("%s has only keys for %s", addr, strings.Join(offered, ", ")))
		}
		return wrong()
	}
}

// plainAlgorithms are those for keys, not certificates, that are safe. As in
// OpenSSH Ed25519 comes first and RSA last.
func plainAlgorithms() []string {
	plain := slices.DeleteFunc(ssh.SupportedAlgorithms().HostKeys, func(a string) bool {
		return strings.Contains(a, "-cert-v01@")
	})
	rank := func(a string) int {
		switch {
		case a == ssh.KeyAlgoED25519:
			return 0
		case strings.HasPrefix(a, "ecdsa-"):
			return 1
		}
		return 2
	}
	slices.SortStableFunc(plain, func(a, b string) int { return rank(a) - rank(b) })
	return plain
}

// certAlgorithms are those for certificates.
func certAlgorithms() []string {
	return slices.DeleteFunc(ssh.SupportedAlgorithms().HostKeys, func(a string) bool {
		return !strings.Contains(a, "-cert-v01@")
	})
}

// algorithmsOf returns the algorithms with which a key of that type signs. RSA
// keys have had two since SHA-1 isn't safe (RFC 8332).
func algorithmsOf(keyType string) []string {
	if keyType == ssh.KeyAlgoRSA {
		return []string{ssh.KeyAlgoRSASHA512, ssh.KeyAlgoRSASHA256}
	}
	return []string{keyType}
}
