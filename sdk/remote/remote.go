// Package remote runs scripts on other machines over SSH: connect, upload, run,
// stop, remove. It never accepts a host key that it wasn't told of, unless it is
// told to accept any.
//
// What is run is a Job: a script that a Client has uploaded, running in a session
// and process group of its own on the machine, whose number is on file there.
// So any later connection, of another process too, can find the group and end
// it, as long as it knows the job's key.
//
// The machine needs a POSIX shell as sh, with printf built in (dash, bash, busybox
// and the BSDs' ash have it), the usual small programs (id, ls, cat, grep, wc,
// mkdir, ln), and one of setsid, perl and python3. A job is on file in
// ~/.cmed/KEY, or in /tmp/.cmed-UID/KEY where the home can't be written, from
// Install to Uninstall.
//
// A script that leaves its session (a daemon) is found on Linux by the variable
// CMED_JOB in its environment, which holds the job's key, as far as the user who
// logs in may read it. So a script that starts something that is to outlive the
// job has to start it in a session of its own and without that variable. Elsewhere
// than on Linux only the process group is ended, and only while its first process
// lives.
package remote

import (
	"errors"
	"sync"
	"time"

	"golang.org/x/crypto/ssh"
)

// Errors that Dial returns, each with what to do about it in its text.
var (
	// ErrUnreachable is returned when no SSH server answers there in time: a
	// later attempt may succeed.
	ErrUnreachable = errors.New("the machine can't be reached")
	// ErrHostKey is returned when the machine's key isn't one that it may show.
	ErrHostKey = errors.New("the machine's host key isn't accepted")
	// ErrLogin is returned when the machine refuses the user or the keys.
	ErrLogin = errors.New("the login is refused")
	// ErrKey is returned for a private key that can't be used, or an agent that
	// can't be asked.
	ErrKey = errors.New("no usable private key")
)

// Errors of jobs.
var (
	// ErrOccupied is returned by Install when something else lies at the path.
	ErrOccupied = errors.New("something else lies at the script's path")
	// ErrNotStarted is returned by Run, always together with a reason, when the
	// script certainly has not been started.
	ErrNotStarted = errors.New("the script was not started")
	// ErrUsed is returned by Install and Run when the job was run before, or was
	// ended before it started. After Uninstall its key is free again.
	ErrUsed = errors.New("the job was run or ended before")
	// ErrLost is returned by everything when the connection broke or the machine
	// stopped answering.
	ErrLost = errors.New("the connection to the machine is lost")
)

// Login is how to get into a machine.
type Login struct {
	User string
	// Key is a private key in PEM or OpenSSH's own format; Passphrase opens it.
	// The error for a wrong one never shows any of it.
	Key        []byte
	Passphrase []byte
	// AgentSocket is the socket of an agent to ask for keys; empty: none.
	AgentSocket string
	HostKeys    HostKeys
	// Timeout bounds connecting, with the handshake and the login; 0: 10 s.
	Timeout time.Duration
}

// HostKeys say which keys a machine may show. Exactly one is set.
type HostKeys struct {
	// KnownHosts are files in the format of OpenSSH's known_hosts; files that
	// don't exist are passed over. The algorithms asked for are those of the
	// machine's keys in them.
	KnownHosts []string
	// Pinned is the one key, as a line of authorized_keys or known_hosts has it
	// ("ssh-ed25519 AAAA…"), or its fingerprint ("SHA256:…").
	Pinned string
	// InsecureIgnore accepts any.
	InsecureIgnore bool
}

// Client is a connection to one machine, made by Dial. Its methods are safe for
// concurrent use.
type Client struct {
	addr  string
	login Login
	conn  *ssh.Client

	dead    chan struct{}  // closed when the connection has ended
	closing chan struct{}  // closed by Close
	once    sync.Once      // of Close
	owned   sync.WaitGroup // the goroutines of this connection

	mu  sync.Mutex
	why error // why the connection was given up, if this side did
}

// Job is a script to run. Key identifies it on the machine: letters, digits,
// dots, dashes and underscores, at most 128, the first a letter or digit; unique
// for all time (a run's id and the number of the node).
type Job struct {
	Key string
	// Path is where the script lies on the machine, absolute.
	Path   string
	Script []byte
	Args   []string
	// Env are variables for the script. They are handed over on standard input,
	// never on a command line.
	Env map[string]string
	// Sudo runs the script as root, by sudo without a password. The script itself
	// is put at its path by the user who logs in.
	Sudo bool
}

// Exit is how a job ended.
type Exit struct {
	// Status is the exit status. A script that a signal ended has 128 and the
	// signal's number here, as shells count; a script that exits with such a
	// status by itself can't be told from it.
	Status int
	Signal string // the signal that ended it: "TERM"; empty: none did
}

// Removal is what Uninstall found.
type Removal string

// The outcomes of Uninstall.
const (
	Removed Removal = "removed"
	Gone    Removal = "gone"    // nothing was there
	Changed Removal = "changed" // it is another script now, and was left alone
	Kept    Removal = "kept"    // it lay there before Install, and was left alone
	Shared  Removal = "shared"  // it was left to another job at the same path, which removes it
)
