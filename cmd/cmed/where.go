package main

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"time"

	"github.com/spf13/pflag"

	"github.com/chaos-monkey-engine/cmed/internal/client"
)

const (
	defaultServer  = "http://127.0.0.1:5000"
	serverVariable = "CMED_SERVER"
	portVariable   = "CMED_PORT"
	keyVariable    = "CMED_KEY"
	serverFlag     = "--server"
)

// where is what the flags say of the daemon that is called.
type where struct {
	server, context, keyFile, caFile string
	insecureTransport                bool
	// overSocket keeps to the socket here also with a key, and where nothing else
	// names a daemon, also when nobody answers at it.
	overSocket bool
	// atOnce reads keys only out of what can be read without waiting.
	atOnce bool
}

func (w *where) addFlags(flags *pflag.FlagSet) {
	flags.StringVar(&w.server, "server", "", "`URL` of the daemon, or unix:PATH of its socket ["+serverVariable+"] "+
		"(default: that of the current context; the daemon of this folder; "+defaultServer+". With "+portVariable+
		": the daemon of this folder, or the one at that port)")
	flags.StringVar(&w.context, "context", "", "`name` of a context, see cmed context")
	flags.StringVar(&w.keyFile, "key-file", "", "`file` that holds the API key ["+keyVariable+": the key itself]")
	flags.StringVar(&w.caFile, "ca-file", "", "PEM `file` of the authorities that vouch for the server, in place of the system's")
	flags.BoolVar(&w.insecureTransport, "insecure-transport", false, "send the key to another machine unencrypted")
}

// called is a daemon, and with what it is called.
type called struct {
	server string
	// from is what named the server, for the error; "" when nobody did.
	from    string
	context string // its context; "": none
	key     string
	keyFrom string // what named the key; "": there is none
	// keyUnused is what named a key that is not used, over the socket.
	keyUnused string
	// current says that the server is that of the current context: nobody named
	// it for this call.
	current bool
	// portUnused says that the daemon of this folder is called in place of the port
	// that CMED_PORT says.
	portUnused bool
	caFile     string
	// insecureTransport lets the key go out in the clear.
	insecureTransport bool
}

// daemon decides which daemon is called: the first that is named of --server,
// --context, CMED_SERVER and, unless CMED_PORT is set, the current context; else the
// one whose socket answers in the state folder that a daemon started here has, else
// the one at the default address, or at the port of CMED_PORT: that is an option of
// the daemon, and says of a command that it is about one of this machine. The key of
// a context goes nowhere but to its server; one that --key-file names goes to the
// default address, since over the socket no key counts, and so does one of CMED_KEY
// with CMED_PORT.
func (w *where) daemon(p program) (called, error) {
	if w.server != "" && w.context != "" {
		return called{}, usagef("--server and --context name a daemon each: give one of them")
	}
	d, err := w.named(p)
	if err != nil {
		return called{}, err
	}
	if w.caFile != "" {
		d.caFile = w.caFile
	}
	if w.atOnce && d.caFile != "" && !isPlain(d.caFile) {
		return called{}, usagef("--ca-file: %s is no plain file", d.caFile)
	}
	d.insecureTransport = d.insecureTransport || w.insecureTransport
	key := p.variable(keyVariable)
	if d.from == "" && strings.HasPrefix(d.server, "unix:") { // where no key counts
		switch {
		case w.keyFile != "":
			d.keyUnused = "--key-file"
		case key != "":
			d.keyUnused = keyVariable
		}
		return d, nil
	}
	switch {
	case w.keyFile != "":
		d.keyFrom = "--key-file"
		if d.key, err = w.readKey(w.keyFile); err != nil {
			return called{}, usagef("--key-file: %w", err)
		}
	case key != "" && (w.context == "" || d.key == ""): // a context that was named has its own
		d.keyFrom = keyVariable
		if d.key, err = checkKey(key); err != nil {
			return called{}, usagef("%s: %w", keyVariable, err)
		}
	}
	return d, nil
}

// named is the daemon without what the flags and the environment say of its key.
func (w *where) named(p program) (called, error) {
	port := p.variable(portVariable)
	switch {
	case w.server != "":
		return called{server: w.server, from: serverFlag}, nil
	case w.context == "" && p.variable(serverVariable) != "":
		return called{server: p.variable(serverVariable), from: serverVariable}, nil
	case w.context == "" && port != "" && port != "0": // 0: any
		if w.keyFile == "" && p.variable(keyVariable) == "" || w.overSocket {
			if socket := p.ownSocket(); socket != "" {
				return called{server: "unix:" + socket, portUnused: true}, nil
			}
		}
		return called{server: "http://127.0.0.1:" + port, from: portVariable}, nil
	}
	contexts, err := readContexts(p)
	if err != nil {
		return called{}, err
	}
	if name := orElse(w.context, contexts.Current); name != "" {
		d, err := contexts.daemon(name, w.readKey)
		d.current = err == nil && w.context == ""
		return d, err
	}
	own := p.ownSocket
	if w.overSocket { // a halt waits for the daemon that died here; it looks for no other
		own = p.socketThere
	}
	if w.keyFile == "" || w.overSocket {
		if socket := own(); socket != "" {
			return called{server: "unix:" + socket}, nil
		}
	}
	return called{server: defaultServer}, nil
}

// name is the daemon for people, with the context that named it.
func (d called) name() string {
	text := printable(client.Shown(d.server))
	if d.context != "" {
		text += " (context " + printable(d.context) + ")"
	}
	return text
}

// client returns a client of the daemon.
func (d called) client() (*client.Client, error) { return d.clientThat(nil, nil) }

// clientThat returns a client that calls changing before what may change something,
// and waiting when an answer is long in coming; either may be nil.
func (d called) clientThat(changing, waiting func()) (*client.Client, error) {
	roots, err := readRoots(d.caFile)
	if err != nil {
		return nil, err
	}
	c, err := client.New(client.Options{
		Server: d.server, Agent: "cmed/" + thisBuild().Version, Key: d.key, Roots: roots,
		InsecureTransport: d.insecureTransport, Changing: changing, Waiting: waiting,
	})
	switch {
	case errors.Is(err, client.ErrKeyInTheClear):
		return nil, usagef("%w: call the daemon by https, or say --insecure-transport", err)
	case err != nil && d.from != "":
		return nil, usagef("%s: %w", d.from, err)
	case err != nil:
		return nil, usagef("%w", err)
	}
	return c, nil
}

// socketWait bounds how long it is tried whether a socket answers.
const socketWait = 300 * time.Millisecond

// ownSocket is the socket of the daemon that was started in this folder, with
// this environment; "" when none answers.
func (p program) ownSocket() string {
	path := p.socketThere()
	if path == "" {
		return ""
	}
	ctx, cancel := context.WithTimeout(context.Background(), socketWait)
	defer cancel()
	if client.Answers(ctx, path) {
		return path
	}
	return ""
}

// socketThere is the socket where that daemon has it, whether or not somebody
// listens; "" when there is none. One that somebody else made is not trusted: it
// would be shown the caller's key.
func (p program) socketThere() string {
	cfg, err := load(settings{}, p.env, nil)
	if err != nil {
		return ""
	}
	path, err := filepath.Abs(cfg.socket)
	if err != nil || cfg.socket == noSocket {
		return ""
	}
	info, err := os.Lstat(path)
	if err != nil || info.Mode().Type() != os.ModeSocket {
		return ""
	}
	owner, ok := info.Sys().(*syscall.Stat_t)
	if !ok || owner.Uid != 0 && int(owner.Uid) != os.Geteuid() {
		return ""
	}
	return path
}

// isHere says whether the daemon that is called is certainly that of this folder:
// it is called over its socket. What is said of another must not name the places of
// this one.
func (d called) isHere(p program) bool {
	if !strings.HasPrefix(d.server, "unix:") {
		return false
	}
	socket := p.socketThere()
	return d.from == "" || socket != "" && client.Shown(d.server) == "unix:"+socket
}

// socketIn is the socket in a state folder.
func socketIn(stateDir string) string { return filepath.Join(stateDir, "cmed.sock") }
