package docker

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"io"
	"log"
	"math/big"
	"net"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/chaos-monkey-engine/cmed/sdk/compute"
)

func TestAddressOfTheEngine(t *testing.T) {
	for _, c := range []struct{ host, want string }{
		{"", "unix:///var/run/docker.sock"},
		{"unix:///run/a.sock", "unix:///run/a.sock"},
		{"tcp://10.0.0.1:2375", "tcp://10.0.0.1:2375"},
		{"tcp://engine.example", "tcp://engine.example:2375"},
		{"tcp://[::1]:1/below/", "tcp://[::1]:1/below"},
		{"tcp://user:secret@engine.example:1", "tcp://engine.example:1"},
	} {
		if got := openAt(t, c.host).address.String(); got != c.want {
			t.Errorf("%q is %s, want %s", c.host, got, c.want)
		}
	}
}

func TestEnvironmentThatCannotBeUsed(t *testing.T) {
	long := "unix:///" + strings.Repeat("x", maxSocketPath)
	for _, c := range []struct{ name, value, text string }{
		{"DOCKER_HOST", "ssh://root@secret.example", "docker: DOCKER_HOST is an ssh:// address, which this provider can't use; forward the remote socket"},
		{"DOCKER_HOST", "npipe:////./pipe/docker_engine", "write it as unix:///path/to/docker.sock or tcp://host:port"},
		{"DOCKER_HOST", "/var/run/docker.sock", "write it as unix:///path/to/docker.sock or tcp://host:port"},
		{"DOCKER_HOST", "unix://docker.sock", `names the socket "docker.sock", which is not an absolute path`},
		{"DOCKER_HOST", long, "longer than a socket's can be"},
		{"DOCKER_HOST", "tcp://", "write it as tcp://host:port"},
		{"DOCKER_HOST", "tcp://:2375", "write it as tcp://host:port"},
		{"DOCKER_HOST", "tcp://a b:%", "write it as tcp://host:port"},
		{"DOCKER_CONTEXT", "production", "DOCKER_CONTEXT is set, and contexts are not read; set DOCKER_HOST"},
		{"DOCKER_API_VERSION", "newest", "newest"},
	} {
		setHost(t, "")
		t.Setenv(c.name, c.value)
		_, err := Open(t.Context(), compute.Options{})
		mustFail(t, err, compute.ErrUnconfigured, c.text)
		if strings.Contains(err.Error(), "secret") {
			t.Errorf("it shows the address: %v", err)
		}
	}
	setHost(t, "")
	_, err := Open(t.Context(), compute.Options{Region: "eu-west-1"})
	mustFail(t, err, compute.ErrUnconfigured, `the provider docker has no regions, but region is "eu-west-1"; leave region out`)
}

func TestTheContextInUseIsNotPassedOver(t *testing.T) {
	setHost(t, "")
	folder := t.TempDir()
	t.Setenv("DOCKER_CONFIG", folder)
	if err := os.WriteFile(filepath.Join(folder, "config.json"), []byte(`{"currentContext": "staging"}`), 0o600); err != nil {
		t.Fatal(err)
	}
	_, err := Open(t.Context(), compute.Options{})
	mustFail(t, err, compute.ErrUnconfigured, `docker uses the context "staging", and contexts are not read; set DOCKER_HOST`)
}

func TestTLS(t *testing.T) {
	server := httptest.NewUnstartedServer(engineWith(nil))
	authority := newAuthority(t)
	server.TLS = &tls.Config{
		Certificates: []tls.Certificate{authority.issue(t)},
		ClientAuth:   tls.RequireAndVerifyClientCert, ClientCAs: authority.pool(),
	}
	server.Config.ErrorLog = log.New(io.Discard, "", 0)
	server.StartTLS()
	defer server.Close()
	host := "tcp://" + server.Listener.Addr().String()

	t.Run("both sides are verified, with either variable", func(t *testing.T) {
		folder := authority.folder(t, authority.issue(t))
		setHost(t, host)
		t.Setenv("DOCKER_CERT_PATH", folder)
		mustFindOne(t)
		home := t.TempDir()
		if err := os.Rename(folder, filepath.Join(home, ".docker")); err != nil {
			t.Fatal(err)
		}
		t.Setenv("HOME", home)
		t.Setenv("DOCKER_CERT_PATH", "")
		t.Setenv("DOCKER_TLS_VERIFY", "1")
		mustFindOne(t)
	})
	t.Run("an authority that isn't the engine's", func(t *testing.T) {
		setHost(t, host)
		t.Setenv("DOCKER_CERT_PATH", newAuthority(t).folder(t, authority.issue(t)))
		_, err := findOne(t)
		mustFail(t, err, compute.ErrUnreachable, "the certificate of tcp://127.0.0.1:", "is from an unknown authority; ca.pem in DOCKER_CERT_PATH")
	})
	t.Run("a client that the engine doesn't know", func(t *testing.T) {
		setHost(t, host)
		t.Setenv("DOCKER_CERT_PATH", authority.folder(t, newAuthority(t).issue(t)))
		_, err := findOne(t)
		mustFail(t, err, compute.ErrUnreachable, "tls: ")
	})
	t.Run("without TLS", func(t *testing.T) {
		setHost(t, host)
		_, err := findOne(t)
		mustFail(t, err, compute.ErrUnreachable, "HTTPS server")
	})
	t.Run("what is missing is named", func(t *testing.T) {
		setHost(t, host)
		for _, file := range []string{"ca.pem", "cert.pem", "key.pem"} {
			folder := authority.folder(t, authority.issue(t))
			if err := os.Remove(filepath.Join(folder, file)); err != nil {
				t.Fatal(err)
			}
			t.Setenv("DOCKER_CERT_PATH", folder)
			_, err := Open(t.Context(), compute.Options{})
			mustFail(t, err, compute.ErrUnconfigured, file, "DOCKER_CERT_PATH (default ~/.docker) is a folder with")
		}
	})
}

func findOne(t *testing.T) ([]compute.Node, error) {
	t.Helper()
	d, err := Open(t.Context(), compute.Options{})
	if err != nil {
		t.Fatal(err)
	}
	return d.Find(t.Context(), oneID)
}

func mustFindOne(t *testing.T) {
	t.Helper()
	if nodes, err := findOne(t); err != nil || len(nodes) != 1 {
		t.Fatalf("%+v, %v", nodes, err)
	}
}

// authority signs certificates.
type authority struct {
	certificate *x509.Certificate
	key         *ecdsa.PrivateKey
}

func newAuthority(t *testing.T) authority {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "authority"}, NotAfter: time.Now().Add(time.Hour),
		IsCA: true, BasicConstraintsValid: true, KeyUsage: x509.KeyUsageCertSign,
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, key.Public(), key)
	if err != nil {
		t.Fatal(err)
	}
	certificate, err := x509.ParseCertificate(der)
	if err != nil {
		t.Fatal(err)
	}
	return authority{certificate, key}
}

func (a authority) pool() *x509.CertPool {
	pool := x509.NewCertPool()
	pool.AddCert(a.certificate)
	return pool
}

// issue makes a certificate for 127.0.0.1, good for both sides.
func (a authority) issue(t *testing.T) tls.Certificate {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(2), NotAfter: time.Now().Add(time.Hour), IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)},
		ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth, x509.ExtKeyUsageClientAuth},
	}
	der, err := x509.CreateCertificate(rand.Reader, template, a.certificate, key.Public(), a.key)
	if err != nil {
		t.Fatal(err)
	}
	return tls.Certificate{Certificate: [][]byte{der}, PrivateKey: key}
}

// folder writes what DOCKER_CERT_PATH names.
func (a authority) folder(t *testing.T, client tls.Certificate) string {
	t.Helper()
	key, err := x509.MarshalPKCS8PrivateKey(client.PrivateKey)
	if err != nil {
		t.Fatal(err)
	}
	folder := filepath.Join(t.TempDir(), "certificates")
	if err := os.Mkdir(folder, 0o700); err != nil {
		t.Fatal(err)
	}
	for name, block := range map[string]*pem.Block{
		"ca.pem":   {Type: "CERTIFICATE", Bytes: a.certificate.Raw},
		"cert.pem": {Type: "CERTIFICATE", Bytes: client.Certificate[0]},
		"key.pem":  {Type: "PRIVATE KEY", Bytes: key},
	} {
		if err := os.WriteFile(filepath.Join(folder, name), pem.EncodeToMemory(block), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return folder
}
