package install

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"math/big"
	"net"
	"regexp"
	"testing"
	"time"
)

// keyOf reads the key out of what cmed key create writes.
var keyOf = regexp.MustCompile(`cmed_[0-9A-Za-z]+_[0-9A-Za-z_-]+`)

func (m *machine) isClosed(t *testing.T) {
	if _, err := m.try("cmed", "plan", "list", "--server", "http://127.0.0.1:5000"); err != nil {
		t.Error("before the first key it is closed already: this tests nothing")
	}
	// As documented, but for the name of the file.
	out := m.run(t, "sh", "-c", "cmed key create ana --role admin --server unix:"+socketOf+" | tee /run/key")
	if keyOf.FindString(out) == "" {
		t.Fatalf("it made no key: %s", out)
	}
	if out, err := m.try("cmed", "plan", "list", "--server", "http://127.0.0.1:5000"); err == nil {
		t.Errorf("without a key it answers: %s", out)
	}
	m.run(t, "cmed", "plan", "list", "--server", "http://127.0.0.1:5000", "--key-file", "/run/key")
}

func (m *machine) servesOthers(t *testing.T) {
	call := []string{"cmed", "plan", "list", "--server", "https://127.0.0.1:5000", "--key-file", "/run/key", "--ca-file", "/run/release/tls.crt"}
	m.makeCertificate(t, "/run/release")
	m.documented(t, "files again when they change, so they must be readable")
	m.awaitReady(t)
	m.run(t, call...)
	m.makeCertificate(t, "/run/release") // another one
	if out, err := m.try(call...); err == nil {
		t.Errorf("a certificate that nobody vouches for is taken: %s", out)
	}
	m.run(t, "install", "-m", "640", "-g", "cmed", "/run/release/tls.crt", "/run/release/tls.key", "/etc/cmed/")
	m.run(t, "systemctl", "reload", "cmed")
	if !within(patience, func() bool {
		_, err := m.try(call...)
		return err == nil
	}) {
		_, err := m.try(call...)
		t.Errorf("the new certificate is not served: %v\n%s", err, m.log())
	}
}

// makeCertificate makes a certificate for the machine itself, and its key.
func (m *machine) makeCertificate(t *testing.T, dir string) {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(time.Now().UnixNano()), Subject: pkix.Name{CommonName: "cmed"}, IsCA: true, BasicConstraintsValid: true,
		NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour), IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)},
	}
	certificate, err := x509.CreateCertificate(rand.Reader, template, template, &key.PublicKey, key)
	if err != nil {
		t.Fatal(err)
	}
	private, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		t.Fatal(err)
	}
	m.write(t, dir+"/tls.crt", string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: certificate})))
	m.write(t, dir+"/tls.key", string(pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: private})))
}
