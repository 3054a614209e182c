package docker

import (
	"cmp"
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"net"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"strings"

	"github.com/moby/moby/client"
)

// usualSocket is where an engine listens unless told otherwise.
const usualSocket = "/var/run/docker.sock"

// maxSocketPath is how long the path of a unix socket can be: sun_path of
// unix(7) less its final zero.
const maxSocketPath = 107

// The ports on which an engine listens by custom.
const (
	plainPort = "2375"
	tlsPort   = "2376"
)

// address is where an engine is. It holds no secret and can be shown.
type address struct {
	network string // unix, tcp
	at      string // the socket's path, or host:port
	path    string // beneath which the API is; tcp only
	tls     bool
	usual   bool // nothing in the environment chose it
}

// String is the address as DOCKER_HOST has it.
func (a address) String() string { return a.network + "://" + a.at + a.path }

// addressFromEnv reads what the environment says. What can't be used is refused
// rather than passed over: another engine than the one meant would be hit.
func addressFromEnv() (address, error) {
	if name := os.Getenv("DOCKER_CONTEXT"); name != "" && name != "default" {
		return address{}, unconfigured("DOCKER_CONTEXT is set, and contexts are not read",
			"set DOCKER_HOST to the endpoint that `docker context inspect` shows and unset DOCKER_CONTEXT")
	}
	host := os.Getenv(client.EnvOverrideHost)
	if host == "" {
		if name := currentContext(); name != "" && name != "default" {
			return address{}, unconfigured("docker uses the context "+quoted(name)+", and contexts are not read",
				"set DOCKER_HOST to the endpoint that `docker context inspect` shows, or to unix://"+usualSocket)
		}
		return address{network: "unix", at: usualSocket, usual: true}, nil
	}
	scheme, rest, ok := strings.Cut(host, "://")
	switch {
	case ok && scheme == "unix":
		return unixAddress(rest)
	case ok && scheme == "tcp":
		return tcpAddress(rest)
	case ok && scheme == "ssh":
		return address{}, unconfigured("DOCKER_HOST is an ssh:// address, which this provider can't use",
			"forward the remote socket (ssh -N -L /run/remote-docker.sock:/var/run/docker.sock HOST) "+
				"and set DOCKER_HOST=unix:///run/remote-docker.sock")
	default:
		return address{}, unconfigured("DOCKER_HOST is not an address that this provider can use",
			"write it as unix:///path/to/docker.sock or tcp://host:port")
	}
}

// currentContext is the context that "docker context use" has chosen, as far as
// this process may read the configuration of Docker's command line.
func currentContext() string {
	folder := os.Getenv("DOCKER_CONFIG")
	if folder == "" {
		home, err := os.UserHomeDir()
		if err != nil {
			return ""
		}
		folder = filepath.Join(home, ".docker")
	}
	doc, err := os.ReadFile(filepath.Join(folder, "config.json")) //nolint:gosec // G304, G703: the environment chooses the folder
	if err != nil {
		return ""
	}
	var config struct{ CurrentContext string }
	if json.Unmarshal(doc, &config) != nil {
		return ""
	}
	return config.CurrentContext
}

func unixAddress(path string) (address, error) {
	if !filepath.IsAbs(path) {
		return address{}, unconfigured("DOCKER_HOST names the socket "+quoted(path)+", which is not an absolute path",
			"write it as unix:///path/to/docker.sock, with three slashes")
	}
	if len(path) > maxSocketPath {
		return address{}, unconfigured("the path of the socket in DOCKER_HOST is longer than a socket's can be",
			"use one of at most 107 bytes, such as a symbolic link")
	}
	return address{network: "unix", at: path}, nil
}

func tcpAddress(rest string) (address, error) {
	u, err := url.Parse("tcp://" + rest)
	if err != nil || u.Hostname() == "" {
		return address{}, unconfigured("DOCKER_HOST is a tcp:// address without a host, or not an address at all",
			"write it as tcp://host:port")
	}
	a := address{network: "tcp", path: strings.TrimSuffix(u.Path, "/"), tls: wantsTLS()}
	port := plainPort
	if a.tls {
		port = tlsPort
	}
	a.at = net.JoinHostPort(u.Hostname(), cmp.Or(u.Port(), port))
	return a, nil
}

func wantsTLS() bool {
	return os.Getenv(client.EnvTLSVerify) != "" || os.Getenv(client.EnvOverrideCertPath) != ""
}

// client makes the client of the engine, which chooses the newest version of the
// API that both know when it is first used.
func (a address) client() (*client.Client, error) {
	transport := newTransport(a)
	if a.tls {
		config, err := tlsFromEnv()
		if err != nil {
			return nil, err
		}
		transport.base.TLSClientConfig = config
	}
	return a.clientOver(transport)
}

func (a address) clientOver(transport http.RoundTripper) (*client.Client, error) {
	scheme := "http"
	if a.tls {
		scheme = "https"
	}
	engine, err := client.New(
		client.WithHost(a.String()), // sets up a transport of its own, so ours comes after it
		client.WithHTTPClient(&http.Client{Transport: transport, CheckRedirect: client.CheckRedirect}),
		client.WithScheme(scheme), client.WithAPIVersionFromEnv(), client.WithUserAgent("cmed"),
	)
	if err != nil {
		return nil, unconfigured(err.Error(), "see what the DOCKER_… variables of the environment say")
	}
	return engine, nil
}

// tlsFromEnv reads ca.pem, cert.pem and key.pem of the folder DOCKER_CERT_PATH,
// or ~/.docker without it.
func tlsFromEnv() (*tls.Config, error) {
	const remedy = "DOCKER_CERT_PATH (default ~/.docker) is a folder with ca.pem, cert.pem and key.pem"
	folder := os.Getenv(client.EnvOverrideCertPath)
	if folder == "" {
		home, err := os.UserHomeDir()
		if err != nil {
			return nil, unconfigured("there is no DOCKER_CERT_PATH, and no home folder to look into", remedy)
		}
		folder = filepath.Join(home, ".docker")
	}
	authority, err := os.ReadFile(filepath.Join(folder, "ca.pem")) //nolint:gosec // G304, G703: the environment chooses the folder
	if err != nil {
		return nil, unconfigured("the engine's certificate can't be verified: "+err.Error(), remedy)
	}
	pool := x509.NewCertPool()
	if !pool.AppendCertsFromPEM(authority) {
		return nil, unconfigured("there is no certificate in "+filepath.Join(folder, "ca.pem"), remedy)
	}
	certificate, err := tls.LoadX509KeyPair(filepath.Join(folder, "cert.pem"), filepath.Join(folder, "key.pem"))
	if err != nil {
		return nil, unconfigured("the client's certificate can't be used: "+err.Error(), remedy)
	}
	return &tls.Config{RootCAs: pool, Certificates: []tls.Certificate{certificate}, MinVersion: tls.VersionTLS12}, nil
}
