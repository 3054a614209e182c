package sshtest

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"testing"

	"golang.org/x/crypto/ssh"
)

// NewKey makes a private key of a type: ssh.KeyAlgoED25519, KeyAlgoRSA or
// KeyAlgoECDSA256.
func NewKey(t testing.TB, kind string) ssh.Signer {
	t.Helper()
	signer, err := ssh.NewSignerFromSigner(newPrivate(t, kind))
	must(t, err)
	return signer
}

func newPrivate(t testing.TB, kind string) crypto.Signer {
	t.Helper()
	var key crypto.Signer
	var err error
	switch kind {
	case ssh.KeyAlgoED25519:
		_, key, err = ed25519.GenerateKey(rand.Reader)
	case ssh.KeyAlgoRSA:
		key, err = rsa.GenerateKey(rand.Reader, 2048)
	case ssh.KeyAlgoECDSA256:
		key, err = ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	default:
		t.Fatalf("no keys of type %s are made here", kind)
	}
	must(t, err)
	return key
}

// certify returns the host key with a certificate for 127.0.0.1.
func certify(t testing.TB, key, authority ssh.Signer) ssh.Signer {
	t.Helper()
	cert := &ssh.Certificate{
		Key:             key.PublicKey(),
		CertType:        ssh.HostCert,
		ValidPrincipals: []string{"127.0.0.1"},
		ValidBefore:     ssh.CertTimeInfinity,
	}
	must(t, cert.SignCert(rand.Reader, authority))
	signer, err := ssh.NewCertSigner(cert, key)
	must(t, err)
	return signer
}
