package remote_test

import (
	"context"
	"errors"
	"net"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"golang.org/x/crypto/ssh"
	"golang.org/x/crypto/ssh/agent"
	"golang.org/x/crypto/ssh/knownhosts"

	"github.com/chaos-monkey-engine/cmed/internal/sshtest"
	"github.com/chaos-monkey-engine/cmed/sdk/remote"
)

// attempt dials and closes at once.
func attempt(ctx context.Context, addr string, login remote.Login) error {
	c, err := remote.Dial(ctx, addr, login)
	if err != nil {
		return err
	}
	return c.Close()
}

// refusedWith fails the test unless dialing ends with the error and the words.
func refusedWith(t *testing.T, addr string, login remote.Login, want error, words ...string) {
	t.Helper()
	err := attempt(t.Context(), addr, login)
	if !errors.Is(err, want) {
		t.Fatalf("got %v, want %v", err, want)
	}
	contains(t, err.Error(), words...)
}

func TestKnownHostsOfEveryKind(t *testing.T) {
	own := sshtest.Start(t, sshtest.Options{Types: []string{ssh.KeyAlgoED25519, ssh.KeyAlgoRSA, ssh.KeyAlgoECDSA256}}).Access
	for name, a := range map[string]sshtest.Access{"own": own, "openssh": sshtest.StartOpenSSH(t, sshtest.OpenSSHOptions{}).Access} {
		for kind, file := range map[string]string{
			"all keys":         a.KnownHosts(t),
			"only the Ed25519": a.KnownHosts(t, ssh.KeyAlgoED25519),
			"only the RSA":     a.KnownHosts(t, ssh.KeyAlgoRSA),
			"hashed":           a.HashedKnownHosts(t),
		} {
			t.Run(name+"/"+kind, func(t *testing.T) {
				login := loginOf(t, a)
				login.HostKeys = remote.HostKeys{KnownHosts: []string{filepath.Join(t.TempDir(), "none"), file}}
				check(t, attempt(t.Context(), a.Addr, login))
			})
		}
	}
}

// A server shows the first of its keys that it is asked for: of a line that is
// right and one that is stale, the better kind counts.
func TestAStaleKeyBesideTheRightOne(t *testing.T) {
	a := sshtest.Start(t, sshtest.Options{Types: []string{ssh.KeyAlgoED25519, ssh.KeyAlgoRSA, ssh.KeyAlgoECDSA256}}).Access
	for _, kind := range []string{ssh.KeyAlgoRSA, ssh.KeyAlgoECDSA256} {
		stale := knownhosts.Line([]string{a.Addr}, sshtest.NewKey(t, kind).PublicKey())
		login := loginOf(t, a)
		login.HostKeys.KnownHosts = []string{sshtest.WriteLines(t, stale, knownhosts.Line([]string{a.Addr}, a.HostKeys[0]))}
		for range 5 { // the library has no order of its own
			check(t, attempt(t.Context(), a.Addr, login))
		}
	}
}

func TestKnownHostsThatAreNoFilesAreNotOpened(t *testing.T) {
	a := sshtest.Start(t, sshtest.Options{}).Access
	pipe := filepath.Join(t.TempDir(), "pipe")
	check(t, syscall.Mkfifo(pipe, 0o600))
	login := loginOf(t, a)
	for _, file := range []string{pipe, t.TempDir()} {
		login.HostKeys.KnownHosts = []string{file}
		refusedWith(t, a.Addr, login, remote.ErrHostKey, file+" is not a regular file")
	}
	login.HostKeys.KnownHosts = []string{os.DevNull}
	refusedWith(t, a.Addr, login, remote.ErrHostKey, "is unknown")
}

func TestPinnedKeysAreChecked(t *testing.T) {
	key := sshtest.NewKey(t, ssh.KeyAlgoED25519).PublicKey()
	for _, good := range []string{
		string(ssh.MarshalAuthorizedKey(key)), knownhosts.Line([]string{"a"}, key), ssh.FingerprintSHA256(key), ssh.FingerprintSHA256(key) + "=\n",
	} {
		check(t, remote.CheckHostKey(good))
	}
	for _, bad := range []string{"", "x", "SHA256:", "SHA256:x", ssh.FingerprintSHA256(key) + "AAAA", ssh.FingerprintLegacyMD5(key), "ssh-ed25519", "@cert-authority * " + string(ssh.MarshalAuthorizedKey(key))} {
		if err := remote.CheckHostKey(bad); !errors.Is(err, remote.ErrHostKey) {
			t.Errorf("%q: %v", bad, err)
		}
	}
}

func TestAnEntryForAnotherPortIsNoEntry(t *testing.T) {
	a := sshtest.Start(t, sshtest.Options{}).Access
	login := loginOf(t, a)
	login.HostKeys.KnownHosts = []string{sshtest.WriteLines(t, knownhosts.Line([]string{"127.0.0.1:1"}, a.HostKeys[0]), knownhosts.Line([]string{"127.0.0.1"}, a.HostKeys[0]))}
	refusedWith(t, a.Addr, login, remote.ErrHostKey, "is unknown")
}

func TestAnUnknownHostSaysHowItGetsKnown(t *testing.T) {
	a := sshtest.Start(t, sshtest.Options{Types: []string{ssh.KeyAlgoED25519}}).Access
	file := sshtest.WriteLines(t, "# nothing")
	login := loginOf(t, a)
	login.HostKeys.KnownHosts = []string{file}
	refusedWith(t, a.Addr, login, remote.ErrHostKey,
		a.Addr+" is unknown", file, "ssh-ed25519 "+ssh.FingerprintSHA256(a.HostKeys[0]),
		"Compare", "ssh-keyscan -p "+a.Port()+" -t ed25519 127.0.0.1 >> "+file)
	login.HostKeys.KnownHosts = []string{filepath.Join(t.TempDir(), "none")}
	refusedWith(t, a.Addr, login, remote.ErrHostKey, a.Addr+" is unknown")
}

func TestAChangedKeyNamesTheEntry(t *testing.T) {
	a := sshtest.Start(t, sshtest.Options{}).Access
	for _, kind := range []string{ssh.KeyAlgoED25519, ssh.KeyAlgoRSA, ssh.KeyAlgoECDSA256} {
		t.Run(kind, func(t *testing.T) {
			other := sshtest.NewKey(t, kind).PublicKey()
			file := sshtest.WriteLines(t, "# the first line", knownhosts.Line([]string{a.Addr}, other))
			login := loginOf(t, a)
			login.HostKeys.KnownHosts = []string{file}
			refusedWith(t, a.Addr, login, remote.ErrHostKey, "Somebody may be in between", file+":2", ssh.FingerprintSHA256(other))
		})
	}
}

func TestARevokedKeyIsRefused(t *testing.T) {
	a := sshtest.Start(t, sshtest.Options{}).Access
	line := knownhosts.Line([]string{a.Addr}, a.HostKeys[0])
	login := loginOf(t, a)
	login.HostKeys.KnownHosts = []string{sshtest.WriteLines(t, line, "@revoked * "+strings.SplitN(line, " ", 2)[1])}
	refusedWith(t, a.Addr, login, remote.ErrHostKey, ":2 revokes")
}

func TestACertificateOfAKnownAuthorityIsAccepted(t *testing.T) {
	authority := sshtest.NewKey(t, ssh.KeyAlgoRSA)
	a := sshtest.Start(t, sshtest.Options{Certify: authority}).Access
	entry := func(key ssh.PublicKey) string {
		return sshtest.WriteLines(t, "@cert-authority "+knownhosts.Line([]string{a.Addr}, key))
	}
	login := loginOf(t, a)
	login.HostKeys.KnownHosts = []string{entry(authority.PublicKey())}
	check(t, attempt(t.Context(), a.Addr, login))
	login.HostKeys.KnownHosts = []string{entry(sshtest.NewKey(t, ssh.KeyAlgoRSA).PublicKey())}
	refusedWith(t, a.Addr, login, remote.ErrHostKey)
}

func TestABrokenKnownHostsFileIsNamed(t *testing.T) {
	a := sshtest.Start(t, sshtest.Options{}).Access
	login := loginOf(t, a)
	file := sshtest.WriteLines(t, "# ok", "host what-is-this")
	login.HostKeys.KnownHosts = []string{file}
	refusedWith(t, a.Addr, login, remote.ErrHostKey, file+":2")
}

func TestPinnedKeys(t *testing.T) {
	types := []string{ssh.KeyAlgoED25519, ssh.KeyAlgoRSA, ssh.KeyAlgoECDSA256}
	a := sshtest.Start(t, sshtest.Options{Types: types}).Access
	other := sshtest.NewKey(t, ssh.KeyAlgoED25519).PublicKey()
	pin := func(s string) remote.Login {
		login := loginOf(t, a)
		login.HostKeys = remote.HostKeys{Pinned: s}
		return login
	}
	for i, kind := range types {
		key := a.HostKeys[i]
		for form, s := range map[string]string{
			"authorized_keys": string(ssh.MarshalAuthorizedKey(key)),
			"known_hosts":     knownhosts.Line([]string{a.Addr}, key),
			"fingerprint":     ssh.FingerprintSHA256(key),
		} {
			t.Run(kind+" as in "+form, func(t *testing.T) { check(t, attempt(t.Context(), a.Addr, pin(s))) })
		}
	}
	refusedWith(t, a.Addr, pin(string(ssh.MarshalAuthorizedKey(other))), remote.ErrHostKey, "is pinned", "in between", ssh.FingerprintSHA256(a.HostKeys[0]))
	refusedWith(t, a.Addr, pin(ssh.FingerprintSHA256(other)), remote.ErrHostKey, "is pinned", "in between",
		ssh.FingerprintSHA256(a.HostKeys[0]), ssh.FingerprintSHA256(a.HostKeys[1]), ssh.FingerprintSHA256(a.HostKeys[2]))
	refusedWith(t, a.Addr, pin("MD5:12:34"), remote.ErrHostKey, "neither a line")
	onlyRSA := sshtest.Start(t, sshtest.Options{Types: types[1:2]}).Access
	refusedWith(t, onlyRSA.Addr, pin(string(ssh.MarshalAuthorizedKey(other))), remote.ErrHostKey, "has only keys for rsa-sha2", "in between")
}

func TestExactlyOneWayToCheckTheHostIsGiven(t *testing.T) {
	a := sshtest.Start(t, sshtest.Options{}).Access
	login := loginOf(t, a)
	login.HostKeys = remote.HostKeys{InsecureIgnore: true}
	check(t, attempt(t.Context(), a.Addr, login))
	for _, keys := range []remote.HostKeys{
		{},
		{InsecureIgnore: true, Pinned: "SHA256:x"},
		{InsecureIgnore: true, KnownHosts: []string{"x"}},
	} {
		login.HostKeys = keys
		refusedWith(t, a.Addr, login, remote.ErrHostKey, "exactly one")
	}
}

func TestARefusedLoginSaysWhatWasTried(t *testing.T) {
	for name, a := range map[string]sshtest.Access{
		"own":     sshtest.Start(t, sshtest.Options{}).Access,
		"openssh": sshtest.StartOpenSSH(t, sshtest.OpenSSHOptions{}).Access,
	} {
		t.Run(name, func(t *testing.T) {
			other := sshtest.Start(t, sshtest.Options{}).Access
			login := loginOf(t, a)
			login.Key = other.ClientKey
			refusedWith(t, a.Addr, login, remote.ErrLogin, a.User, "publickey with ssh-ed25519 "+ssh.FingerprintSHA256(other.Public(t)), "authorized_keys")
		})
	}
	a := sshtest.Start(t, sshtest.Options{Fault: sshtest.RefusesKeys}).Access
	refusedWith(t, a.Addr, loginOf(t, a), remote.ErrLogin, "takes no public keys")
	sshd := sshtest.StartOpenSSH(t, sshtest.OpenSSHOptions{}).Access
	login := loginOf(t, sshd)
	login.User = "nobody-of-that-name"
	refusedWith(t, sshd.Addr, login, remote.ErrLogin, "nobody-of-that-name", "right user")
	login.User = ""
	refusedWith(t, a.Addr, login, remote.ErrLogin, "no user")
}

func TestPassphrases(t *testing.T) {
	a := sshtest.StartOpenSSH(t, sshtest.OpenSSHOptions{}).Access
	login := loginOf(t, a)
	login.Key = a.LockedKey(t, "open sesame")
	refusedWith(t, a.Addr, login, remote.ErrKey, "none is given")
	login.Passphrase = []byte("open rye")
	refusedWith(t, a.Addr, login, remote.ErrKey, "doesn't open the key")
	login.Passphrase = []byte("open sesame")
	check(t, attempt(t.Context(), a.Addr, login))
	login.Key = a.ClientKey // a passphrase too many does no harm
	check(t, attempt(t.Context(), a.Addr, login))
}

func TestAKeyThatIsNoneIsExplainedAndNeverShown(t *testing.T) {
	a := sshtest.Start(t, sshtest.Options{}).Access
	damaged := strings.Replace(string(a.ClientKey), "b3BlbnNzaC1rZXktdjE", "b3BlbnNzaC1rZXktdjEAAAAA", 1)
	for text, words := range map[string]string{
		damaged:                               "damaged",
		strings.Split(damaged, "\n")[1]:       "not in PEM",
		"-----BEGIN s3cr3t-----\nczNjcjN0\n":  "damaged",
		"s3cr3t":                              "not in PEM",
		"PuTTY-User-Key-File-3: s3cr3t":       "puttygen",
		"ssh-ed25519 AAAAs3cr3t somebody":     "public key",
		"-----BEGIN PUBLIC KEY-----\ns3cr3t=": "public key",
	} {
		login := loginOf(t, a)
		login.Key = []byte(text)
		err := attempt(t.Context(), a.Addr, login)
		if !errors.Is(err, remote.ErrKey) {
			t.Fatalf("%q: %v", text, err)
		}
		contains(t, err.Error(), words)
		for line := range strings.FieldsSeq(text) {
			if len(line) > 5 && line != "PUBLIC" && strings.Contains(err.Error(), line) {
				t.Errorf("%q shows %q", err, line)
			}
		}
	}
	login := loginOf(t, a)
	login.Key = nil
	refusedWith(t, a.Addr, login, remote.ErrKey, "neither a key nor an agent")
}

// startAgent serves a keyring until the test ends and returns its socket.
func startAgent(t *testing.T, keys ...any) string {
	t.Helper()
	ring := agent.NewKeyring()
	for _, key := range keys {
		check(t, ring.Add(agent.AddedKey{PrivateKey: key}))
	}
	folder, err := os.MkdirTemp("", "agent")
	check(t, err)
	socket := filepath.Join(folder, "s")
	listener, err := net.Listen("unix", socket)
	check(t, err)
	served := make(chan struct{})
	go func() {
		defer close(served)
		for {
			conn, err := listener.Accept()
			if err != nil {
				return
			}
			_ = agent.ServeAgent(ring, conn)
			_ = conn.Close()
		}
	}()
	t.Cleanup(func() {
		_ = listener.Close()
		<-served
		_ = os.RemoveAll(folder)
	})
	return socket
}

func TestAnAgentsKeysLogIn(t *testing.T) {
	a := sshtest.StartOpenSSH(t, sshtest.OpenSSHOptions{}).Access
	other := sshtest.Start(t, sshtest.Options{}).Access
	login := loginOf(t, a)
	login.Key = nil
	login.AgentSocket = startAgent(t, &other.Private, &a.Private)
	check(t, attempt(t.Context(), a.Addr, login))
	login.Key = other.ClientKey // a wrong key first: the agent's are tried too
	check(t, attempt(t.Context(), a.Addr, login))
	login.Key = nil
	login.AgentSocket = startAgent(t)
	refusedWith(t, a.Addr, login, remote.ErrKey, login.AgentSocket, "ssh-add")
	login.AgentSocket = filepath.Join(t.TempDir(), "none")
	refusedWith(t, a.Addr, login, remote.ErrKey, login.AgentSocket, "can't be reached")
	login.Key = a.ClientKey // an agent that is gone does no harm besides a key
	check(t, attempt(t.Context(), a.Addr, login))
	login.Key = other.ClientKey
	refusedWith(t, a.Addr, login, remote.ErrLogin, "can't be reached")
}

func TestAMachineThatCannotBeReached(t *testing.T) {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	check(t, err)
	check(t, listener.Close())
	a := sshtest.Start(t, sshtest.Options{}).Access
	refusedWith(t, listener.Addr().String(), loginOf(t, a), remote.ErrUnreachable, "refused the connection")
	for fault, words := range map[sshtest.Fault]string{
		sshtest.Greets:       `not an SSH server: it said "220 mail.example.org ESMTP"`,
		sshtest.HangsAtOnce:  "accepted the connection, but got no further within 300ms",
		sshtest.HangsAtLogin: "showed its host key, but got no further within 300ms",
	} {
		t.Run(string(fault), func(t *testing.T) {
			a := sshtest.Start(t, sshtest.Options{Fault: fault}).Access
			login := loginOf(t, a)
			login.Timeout = 300 * time.Millisecond
			refusedWith(t, a.Addr, login, remote.ErrUnreachable, words)
			ctx, cancel := context.WithTimeoutCause(t.Context(), 20*time.Millisecond, errStopped)
			defer cancel()
			login.Timeout = time.Minute
			if err := attempt(ctx, a.Addr, login); !errors.Is(err, errStopped) && fault != sshtest.Greets {
				t.Errorf("got %v, want the context's cause", err)
			}
		})
	}
	if err := attempt(t.Context(), "localhost", loginOf(t, a)); err == nil || !strings.Contains(err.Error(), "host and a port") {
		t.Errorf("got %v", err)
	}
}

func TestAnAgentThatHangsIsBounded(t *testing.T) {
	a := sshtest.Start(t, sshtest.Options{}).Access
	folder, err := os.MkdirTemp("", "agent")
	check(t, err)
	defer os.RemoveAll(folder)
	listener, err := net.Listen("unix", filepath.Join(folder, "s"))
	check(t, err)
	defer listener.Close()
	login := loginOf(t, a)
	login.Key, login.AgentSocket, login.Timeout = nil, listener.Addr().String(), 100*time.Millisecond
	refusedWith(t, a.Addr, login, remote.ErrKey, "gives no keys")
}
