package e2e

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"math/big"
	"net"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"
)

// authority vouches for servers.
type authority struct {
	certificate *x509.Certificate
	key         *ecdsa.PrivateKey
	file        string // its certificate
}

func newAuthority(t testing.TB, folder, name string) authority {
	t.Helper()
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: name}, IsCA: true, BasicConstraintsValid: true,
		NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour), KeyUsage: x509.KeyUsageCertSign,
	}
	a := authority{key: newPrivateKey(t), file: filepath.Join(folder, name+".pem")}
	a.certificate = sign(t, template, template, a.key, a.key)
	writePEM(t, a.file, "CERTIFICATE", a.certificate.Raw)
	return a
}

func newPrivateKey(t testing.TB) *ecdsa.PrivateKey {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	return key
}

func sign(t testing.TB, template, parent *x509.Certificate, key, by *ecdsa.PrivateKey) *x509.Certificate {
	t.Helper()
	raw, err := x509.CreateCertificate(rand.Reader, template, parent, &key.PublicKey, by)
	if err != nil {
		t.Fatal(err)
	}
	certificate, err := x509.ParseCertificate(raw)
	if err != nil {
		t.Fatal(err)
	}
	return certificate
}

// writePEM puts a file in its place as a whole, as renewing programs do.
func writePEM(t testing.TB, file, kind string, content []byte) {
	t.Helper()
	touch(t, file+".new", string(pem.EncodeToMemory(&pem.Block{Type: kind, Bytes: content})))
	if err := os.Rename(file+".new", file); err != nil {
		t.Fatal(err)
	}
}

// issue writes a pair for this machine.
func (a authority) issue(t testing.TB, serial int64, certFile, keyFile string) {
	t.Helper()
	key := newPrivateKey(t)
	certificate := sign(t, &x509.Certificate{
		SerialNumber: big.NewInt(serial), Subject: pkix.Name{CommonName: "cmed"},
		DNSNames: []string{"localhost"}, IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)},
		NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour),
		ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth},
	}, a.certificate, key, a.key)
	raw, err := x509.MarshalECPrivateKey(key)
	if err != nil {
		t.Fatal(err)
	}
	writePEM(t, keyFile, "EC PRIVATE KEY", raw)
	writePEM(t, certFile, "CERTIFICATE", certificate.Raw)
}

func (a authority) pool() *x509.CertPool {
	pool := x509.NewCertPool()
	pool.AddCert(a.certificate)
	return pool
}

// shownSerial is the number of the certificate that a new connection is shown.
func (d *daemon) shownSerial(t testing.TB) int64 {
	t.Helper()
	serial, err := d.dialTLS()
	if err != nil {
		t.Fatal(err)
	}
	return serial
}

func (d *daemon) dialTLS() (serial int64, err error) {
	conn, err := tls.Dial("tcp", strings.TrimPrefix(d.base, "https://"), &tls.Config{RootCAs: d.setup.trusted, MinVersion: tls.VersionTLS12})
	if err != nil {
		return 0, err
	}
	return conn.ConnectionState().PeerCertificates[0].SerialNumber.Int64(), conn.Close()
}

// A daemon that others can reach serves by TLS; its certificate is renewed while
// it serves, a broken one is not taken, and the client trusts whom its context
// names.
func TestTLS(t *testing.T) {
	t.Parallel()
	h := newHome(t)
	ours, theirs := newAuthority(t, h.dir, "ours"), newAuthority(t, h.dir, "theirs")
	cert, certKey := filepath.Join(h.dir, "cert.pem"), filepath.Join(h.dir, "cert.key")
	ours.issue(t, 101, cert, certKey)
	d := start(t, withoutPlugins(), inHome(h), trusting(ours.pool()),
		withArgs("--host", "0.0.0.0", "--tls-cert", cert, "--tls-key", certKey, "--first-key"))
	_, key, _ := strings.Cut(strings.SplitN(d.stdout.String(), "\n", 2)[0], "only: ")
	if strings.Contains(d.stderr.String(), "INSECURE") || !strings.HasPrefix(d.base, "https://127.0.0.1:") {
		t.Errorf("it serves at %s and says %s", d.base, d.stderr.String())
	}
	d.as(key).get(t, "/api/1/me")

	keyFile := filepath.Join(h.dir, "key")
	touch(t, keyFile, key+"\n")
	set := []string{"context", "set", "here", "--server", d.base, "--key-file", keyFile}
	says(t, "cmed context set", d.cmedWith(t, 0, nil, set...).out, "here", "the current one")
	says(t, "cmed status with nobody to vouch", d.cmedWith(t, 1, nil, "status").err, "certificate", "--ca-file FILE")
	d.cmedWith(t, 0, nil, append(set, "--ca-file", ours.file)...)
	d.cmedWith(t, 0, nil, "status")
	says(t, "cmed status that trusts another", d.cmedWith(t, 1, nil, "status", "--ca-file", theirs.file).err, "certificate", "--ca-file FILE")
	checkOldTLS(t, d)

	ours.issue(t, 102, cert, certKey)
	waitFor(t, patience, "the new certificate", func() bool { return d.shownSerial(t) == 102 })
	d.cmedWith(t, 0, nil, "status")
	touch(t, certKey, "half of a k")
	d.signal(t, syscall.SIGHUP)
	waitFor(t, patience, "the log to tell of the broken pair", func() bool {
		return strings.Contains(d.stderr.String(), "[ERROR] cmed.tls: the TLS certificate can't be renewed: the old one serves on")
	})
	if serial := d.shownSerial(t); serial != 102 {
		t.Errorf("with a broken pair it shows certificate %d", serial)
	}
	ours.issue(t, 103, cert, certKey)
	d.signal(t, syscall.SIGHUP)
	waitFor(t, patience, "the certificate of SIGHUP", func() bool { return d.shownSerial(t) == 103 })
	theirs.issue(t, 104, cert, certKey)
	waitFor(t, patience, "the client to trust it no more", func() bool {
		_, err := d.dialTLS()
		return err != nil
	})
	says(t, "cmed status of a server that others vouch for", d.cmedWith(t, 1, nil, "status").err, "certificate")
}

// checkOldTLS has a client refused that can't do better than TLS 1.1, and one that
// does not encrypt at all.
func checkOldTLS(t testing.TB, d *daemon) {
	t.Helper()
	address := strings.TrimPrefix(d.base, "https://")
	old := &tls.Config{RootCAs: d.setup.trusted, MinVersion: tls.VersionTLS10, MaxVersion: tls.VersionTLS11}
	if conn, err := tls.Dial("tcp", address, old); err == nil {
		t.Errorf("it speaks TLS %x", conn.ConnectionState().Version)
		_ = conn.Close()
	}
	a, err := newClient("http://"+address, nil).try(get("/healthz"))
	if err == nil && a.status != 400 {
		t.Errorf("in the clear it is answered with %d: %s", a.status, a.body)
	}
}
