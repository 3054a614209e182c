package certfile

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"math/big"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/hashicorp/go-hclog"
	"go.uber.org/goleak"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// files are where a test's pair is.
type files struct {
	t         *testing.T
	cert, key string
}

func newFiles(t *testing.T) files {
	dir := t.TempDir()
	return files{t, filepath.Join(dir, "cert.pem"), filepath.Join(dir, "key.pem")}
}

// pair makes the PEM texts of a self-signed certificate.
func (f files) pair(name string, until time.Time) (cert, key string) {
	f.t.Helper()
	private, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		f.t.Fatal(err)
	}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: name}, DNSNames: []string{name},
		NotBefore: time.Now().Add(-48 * time.Hour), NotAfter: until,
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, private.Public(), private)
	if err != nil {
		f.t.Fatal(err)
	}
	pkcs8, err := x509.MarshalPKCS8PrivateKey(private)
	if err != nil {
		f.t.Fatal(err)
	}
	return string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der})),
		string(pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: pkcs8}))
}

func (f files) write(path, text string) {
	f.t.Helper()
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		f.t.Fatal(err)
	}
}

// put writes a new pair.
func (f files) put(name string) {
	f.t.Helper()
	cert, key := f.pair(name, time.Now().Add(time.Hour))
	f.write(f.cert, cert)
	f.write(f.key, key)
}

func (f files) load() (*Pair, *strings.Builder) {
	f.t.Helper()
	var log strings.Builder
	p, err := Load(f.cert, f.key, hclog.New(&hclog.LoggerOptions{Output: &log}))
	if err != nil {
		f.t.Fatal(err)
	}
	return p, &log
}

// serves looks which certificate a client gets once the files may be looked at
// again.
func serves(t *testing.T, p *Pair, want string) {
	t.Helper()
	p.mu.Lock()
	p.looked = p.looked.Add(-lookEvery)
	p.mu.Unlock()
	servesStill(t, p, want)
}

// servesStill is serves at once.
func servesStill(t *testing.T, p *Pair, want string) {
	t.Helper()
	cert, err := p.GetCertificate(&tls.ClientHelloInfo{})
	if err != nil {
		t.Fatal(err)
	}
	if got := cert.Leaf.Subject.CommonName; got != want {
		t.Errorf("the certificate is of %q, want %q", got, want)
	}
}

func TestANewPairIsServed(t *testing.T) {
	f := newFiles(t)
	f.put("first")
	p, log := f.load()
	serves(t, p, "first")
	f.put("second")
	servesStill(t, p, "first") // not looked at again within a second
	serves(t, p, "second")
	f.put("third")
	p.Reload() // does not wait
	servesStill(t, p, "third")
	if got := strings.Count(log.String(), "serving with the TLS certificate"); got != 2 {
		t.Errorf("the log tells of %d: %s", got, log)
	}
}

func TestAnOlderFileUnderTheSameNameIsAChange(t *testing.T) {
	f := newFiles(t)
	f.put("first")
	p, _ := f.load()
	other := newFiles(t)
	other.put("second")
	for from, to := range map[string]string{other.cert: f.cert, other.key: f.key} {
		info, err := os.Stat(to)
		if err != nil {
			t.Fatal(err)
		}
		if err := os.Chtimes(from, info.ModTime(), info.ModTime()); err != nil {
			t.Fatal(err)
		}
		if err := os.Rename(from, to); err != nil {
			t.Fatal(err)
		}
	}
	serves(t, p, "second")
}

func TestABrokenPairKeepsTheOldOne(t *testing.T) {
	tests := []struct {
		name  string
		spoil func(f files)
	}{
		{"a certificate without its key yet", func(f files) {
			cert, _ := f.pair("second", time.Now().Add(time.Hour))
			f.write(f.cert, cert)
		}},
		{"half a certificate", func(f files) {
			cert, key := f.pair("second", time.Now().Add(time.Hour))
			f.write(f.cert, cert[:len(cert)/2])
			f.write(f.key, key)
		}},
		{"no file", func(f files) {
			if err := os.Remove(f.cert); err != nil {
				f.t.Fatal(err)
			}
		}},
		{"an empty file", func(f files) { f.write(f.key, "") }},
		{"a certificate that has expired", func(f files) {
			cert, key := f.pair("second", time.Now().Add(-24*time.Hour))
			f.write(f.cert, cert)
			f.write(f.key, key)
		}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			f := newFiles(t)
			f.put("first")
			p, log := f.load()
			tt.spoil(f)
			serves(t, p, "first")
			serves(t, p, "first")
			if got := strings.Count(log.String(), "can't be renewed: the old one serves on"); got != 1 {
				t.Errorf("the log says so %d times: %s", got, log)
			}
			if strings.Contains(log.String(), "PRIVATE KEY") {
				t.Errorf("the log holds the key: %s", log)
			}
			f.put("third")
			serves(t, p, "third")
		})
	}
}

func TestNothingToServe(t *testing.T) {
	f := newFiles(t)
	if _, err := Load(f.cert, f.key, hclog.NewNullLogger()); err == nil || !strings.Contains(err.Error(), f.cert) {
		t.Errorf("no files: %v", err)
	}
	f.put("first")
	_, key := f.pair("second", time.Now().Add(time.Hour))
	f.write(f.key, key)
	if _, err := Load(f.cert, f.key, hclog.NewNullLogger()); err == nil || !strings.Contains(err.Error(), "does not match") {
		t.Errorf("two halves: %v", err)
	}
}

func TestAnExpiredCertificateIsServedLoudly(t *testing.T) {
	f := newFiles(t)
	cert, key := f.pair("first", time.Now().Add(-time.Hour))
	f.write(f.cert, cert)
	f.write(f.key, key)
	p, log := f.load()
	serves(t, p, "first")
	if !strings.Contains(log.String(), "clients will not trust this server") {
		t.Errorf("the log says %s", log)
	}
}

func TestOldTLSIsRefused(t *testing.T) {
	f := newFiles(t)
	f.put("cmed.example")
	p, _ := f.load()
	ln, err := tls.Listen("tcp", "127.0.0.1:0", p.Config())
	if err != nil {
		t.Fatal(err)
	}
	defer ln.Close()
	done := make(chan struct{})
	go func() {
		defer close(done)
		for {
			conn, err := ln.Accept()
			if err != nil {
				return
			}
			_ = conn.(*tls.Conn).Handshake()
			conn.Close()
		}
	}()
	for _, version := range []uint16{tls.VersionTLS11, tls.VersionTLS12, tls.VersionTLS13} {
		conn, err := tls.Dial("tcp", ln.Addr().String(), &tls.Config{
			InsecureSkipVerify: true, MinVersion: version, MaxVersion: version, NextProtos: []string{"h2", "http/1.1"},
		})
		if (err == nil) != (version >= tls.VersionTLS12) {
			t.Errorf("%s: %v", tls.VersionName(version), err)
		}
		if err == nil {
			if got := conn.ConnectionState().NegotiatedProtocol; got != "http/1.1" {
				t.Errorf("the protocol is %q", got)
			}
			conn.Close()
		}
	}
	ln.Close()
	<-done
}
