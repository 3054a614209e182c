package remote

import (
	"bufio"
	"crypto/ed25519"
	"errors"
	"fmt"
	"net"
	"os"
	"slices"
	"strings"

	"golang.org/x/crypto/ssh"
	"golang.org/x/crypto/ssh/knownhosts"
)

// useKnownHosts accepts the keys that the files have for the machine.
func (p *hostPolicy) useKnownHosts(addr string, files []string) error {
	check, err := readKnownHosts(files)
	if err != nil {
		return err
	}
	known := knownKeys(check, addr)
	var wanted []string
	for _, k := range known {
		if isAuthority(k) {
			wanted = append(wanted, certAlgorithms()...)
		} else {
			wanted = append(wanted, algorithmsOf(k.Key.Type())...)
		}
	}
	for _, a := range slices.Concat(certAlgorithms(), plainAlgorithms()) {
		if slices.Contains(wanted, a) {
			p.algorithms = append(p.algorithms, a)
		}
	}
	if len(known) == 0 {
		p.algorithms = plainAlgorithms() // any will do to tell its fingerprint
	}
	p.check = func(hostname string, remote net.Addr, key ssh.PublicKey) error {
		return explainKey(addr, files, key, check(hostname, remote, key))
	}
	p.nothingCommon = func(offered []string) error {
		if len(known) == 0 {
			return fmt.Errorf("%w: %s is unknown and has only keys for %s", ErrHostKey, addr, strings.Join(offered, ", "))
		}
		return fmt.Errorf("%w: %s has keys for %s only, but %s. %s", ErrHostKey, addr, strings.Join(offered, ", "), onFile(known), between)
	}
	return nil
}

// CheckKnownHosts returns an error, ErrHostKey, for a known_hosts file that isn't
// there or isn't a regular file: opening a pipe would wait for ever. The null
// device stands for an empty file.
func CheckKnownHosts(file string) error {
	info, err := os.Stat(file)
	switch {
	case err != nil:
		return fmt.Errorf("%w: %w", ErrHostKey, err)
	case !info.Mode().IsRegular() && file != os.DevNull:
		return fmt.Errorf("%w: %s is not a regular file", ErrHostKey, file)
	}
	return nil
}

// readKnownHosts reads those of the files that exist.
func readKnownHosts(files []string) (ssh.HostKeyCallback, error) {
	var present []string
	for _, f := range files {
		switch err := CheckKnownHosts(f); {
		case err == nil:
			present = append(present, f)
		case !errors.Is(err, os.ErrNotExist):
			return nil, err
		}
	}
	check, err := knownhosts.New(present...)
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrHostKey, err)
	}
	return check, nil
}

// knownKeys returns what the files have for a machine, by asking about a key that
// nobody has.
func knownKeys(check ssh.HostKeyCallback, addr string) []knownhosts.KnownKey {
	nobody, err := ssh.NewPublicKey(make(ed25519.PublicKey, ed25519.PublicKeySize))
	if err != nil {
		panic(err) // only for keys of unknown types
	}
	err = check(addr, &net.TCPAddr{IP: net.IPv4zero}, nobody)
	if unknown, ok := errors.AsType[*knownhosts.KeyError](err); ok {
		return unknown.Want
	}
	return nil
}

// isAuthority reports whether the line of a key says that it signs certificates.
// The library doesn't tell.
func isAuthority(k knownhosts.KnownKey) bool {
	f, err := os.Open(k.Filename)
	if err != nil {
		return false
	}
	defer func() { _ = f.Close() }()
	lines := bufio.NewScanner(f)
	for n := 1; lines.Scan(); n++ {
		if n == k.Line {
			return strings.HasPrefix(strings.TrimSpace(lines.Text()), "@cert-authority")
		}
	}
	return false
}

// explainKey words what the library found wrong with a key.
func explainKey(addr string, files []string, key ssh.PublicKey, found error) error {
	var revoked *knownhosts.RevokedError
	var wrong *knownhosts.KeyError
	switch {
	case found == nil:
		return nil
	case errors.As(found, &revoked):
		return fmt.Errorf("%w: %s showed %s, which %s:%d revokes. Don't connect before you know why", ErrHostKey, addr, describe(key), revoked.Revoked.Filename, revoked.Revoked.Line)
	case !errors.As(found, &wrong):
		return fmt.Errorf("%w: %s showed %s: %w", ErrHostKey, addr, describe(key), found)
	case len(wrong.Want) > 0:
		return fmt.Errorf("%w: the key of %s has changed: it showed %s, but %s. %s", ErrHostKey, addr, describe(key), onFile(wrong.Want), between)
	}
	host, port, _ := net.SplitHostPort(addr)
	return fmt.Errorf("%w: %s is unknown: no entry in %s; it showed %s. Compare that with the machine's own (there: ssh-keygen -lf /etc/ssh/ssh_host_*_key.pub), and only if it is the same, add it: ssh-keyscan -p %s -t %s %s >> %s",
		ErrHostKey, addr, strings.Join(files, ", "), describe(key), port, scanType(key.Type()), quote(host), quote(files[0]))
}

// onFile says which keys are known, and from where.
func onFile(known []knownhosts.KnownKey) string {
	var entries []string
	for _, k := range known {
		entries = append(entries, fmt.Sprintf("%s:%d has %s", k.Filename, k.Line, describe(k.Key)))
	}
	return strings.Join(entries, ", ")
}

// scanType is the name that ssh-keyscan has for a type of keys.
func scanType(keyType string) string {
	switch {
	case keyType == ssh.KeyAlgoRSA:
		return "rsa"
	case strings.HasPrefix(keyType, "ecdsa-"):
		return "ecdsa"
	}
	return "ed25519"
}
