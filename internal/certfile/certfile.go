// Package certfile serves a TLS certificate out of two files that may be replaced
// while it is served.
//
// The files are looked at when a client comes, at most once a second, and when
// somebody asks. A new pair is taken as a whole or not at all: while it can't be
// read, or its halves don't fit since only one has been written yet, the old one
// goes on serving.
package certfile

import (
	"crypto/tls"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"sync"
	"time"

	"github.com/hashicorp/go-hclog"
)

// lookEvery is how often the files are looked at, at most.
const lookEvery = time.Second

// Pair is a certificate and its key in two PEM files. Its methods may be called
// by several goroutines.
type Pair struct {
	certFile, keyFile string
	log               hclog.Logger

	mu      sync.Mutex
	serving *tls.Certificate
	tried   stamps // what the files were when they were last read
	looked  time.Time
}

// stamps tell what the two files are: nil, one that can't be looked at.
type stamps [2]fs.FileInfo

// Load reads the files. They must hold a pair; the certificate may be followed by
// those of its issuers.
func Load(certFile, keyFile string, log hclog.Logger) (*Pair, error) {
	p := &Pair{certFile: certFile, keyFile: keyFile, log: log}
	p.mu.Lock()
	defer p.mu.Unlock()
	return p, p.read(p.look(), time.Now())
}

// Config is a server's configuration with this certificate: TLS 1.2 at least,
// HTTP/1.1 only.
func (p *Pair) Config() *tls.Config {
	return &tls.Config{
		MinVersion:     tls.VersionTLS12,
		NextProtos:     []string{"http/1.1"},
		GetCertificate: p.GetCertificate,
	}
}

// GetCertificate returns the pair of the files, looked at if that was not done
// within the last second.
func (p *Pair) GetCertificate(*tls.ClientHelloInfo) (*tls.Certificate, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	now := time.Now()
	if now.Sub(p.looked) < lookEvery {
		return p.serving, nil
	}
	p.looked = now
	if found := p.look(); !same(found, p.tried) {
		p.renew(found, now)
	}
	return p.serving, nil
}

// Reload reads the files whether or not they seem to have changed.
func (p *Pair) Reload() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.renew(p.look(), time.Now())
}

// renew reads the files and says in the log what came of it.
func (p *Pair) renew(found stamps, now time.Time) {
	if err := p.read(found, now); err != nil {
		p.log.Error("the TLS certificate can't be renewed: the old one serves on", "error", err)
		return
	}
	p.log.Info("serving with the TLS certificate of the files", "file", p.certFile, "not_after", p.serving.Leaf.NotAfter)
}

// read takes the pair of the files. The stamps are older than what is read, so
// that a change meanwhile is seen the next time.
func (p *Pair) read(found stamps, now time.Time) error {
	p.tried, p.looked = found, now
	cert, err := tls.LoadX509KeyPair(p.certFile, p.keyFile)
	if err != nil {
		return fmt.Errorf("read the TLS certificate %s with the key %s: %w", p.certFile, p.keyFile, err)
	}
	if now.After(cert.Leaf.NotAfter) {
		err := fmt.Errorf("the TLS certificate %s expired at %s", p.certFile, cert.Leaf.NotAfter.UTC().Format(time.RFC3339))
		if p.serving != nil && now.Before(p.serving.Leaf.NotAfter) {
			return errors.Join(err, errors.New("the one before it has not"))
		}
		p.log.Warn("clients will not trust this server", "error", err)
	}
	p.serving = &cert
	return nil
}

// look looks at both files.
func (p *Pair) look() (found stamps) {
	for i, path := range []string{p.certFile, p.keyFile} {
		if info, err := os.Stat(path); err == nil {
			found[i] = info
		}
	}
	return found
}

// same says whether both files are as they were. Another file under the same name
// is a change, however old it is.
func same(now, before stamps) bool {
	for i, info := range now {
		old := before[i]
		switch {
		case info == nil && old == nil:
		case info == nil || old == nil || !os.SameFile(info, old),
			info.Size() != old.Size(), !info.ModTime().Equal(old.ModTime()):
			return false
		}
	}
	return true
}
