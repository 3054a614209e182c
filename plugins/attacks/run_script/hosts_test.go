package main

import (
	"encoding/json"
	"strings"
	"testing"
)

func TestHosts(t *testing.T) {
	args := scriptArgs{SSH: sshArgs{Port: 2200}}
	for text, want := range map[string]string{
		`"web-1"`:                               "web-1:2200",
		`"web-1.example.com:22"`:                "web-1.example.com:22",
		`"192.0.2.1"`:                           "192.0.2.1:2200",
		`"192.0.2.1:1"`:                         "192.0.2.1:1",
		`"::1"`:                                 "[::1]:2200",
		`"[::1]:65535"`:                         "[::1]:65535",
		`"fe80::1%eth0"`:                        "[fe80::1%eth0]:2200",
		`{"host": "web-1"}`:                     "web-1:2200",
		`{"host": "::1", "port": 22}`:           "[::1]:22",
		`{"host": "a", "host_key": "SHA256:x"}`: "a:2200",
	} {
		var h host
		if err := json.Unmarshal([]byte(text), &h); err != nil || args.addressOfHost(h) != want {
			t.Errorf("%s: %q, %v; want %q", text, args.addressOfHost(h), err, want)
		}
	}
	var at host
	if err := json.Unmarshal([]byte(`"me@web"`), &at); err == nil || !strings.Contains(err.Error(), "put the user into ssh.user") {
		t.Errorf("a user before the host: %v", err)
	}
	for _, text := range []string{
		`""`, `":22"`, `"web:"`, `"web:0"`, `"web:65536"`, `"web:ssh"`, `"me@web"`, `"a b"`, `"a/b"`, `"-oProxyCommand"`, `"[::1]"`, `"::1:x:"`,
		`{}`, `{"host": ""}`, `{"host": "a:1"}`, `{"host": "a", "port": 65536}`, `{"host": "a", "port": -1}`, `{"host": 1}`, `1`, `["a"]`,
	} {
		var h host
		if err := json.Unmarshal([]byte(text), &h); err == nil {
			t.Errorf("%s is taken: %+v", text, h)
		}
	}
}

// FuzzHost checks that what is taken is an address, and stays the same.
func FuzzHost(f *testing.F) {
	for _, seed := range []string{"web", "web:22", "::1", "[::1]:22", "fe80::1%eth0", "a:b:c"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, text string) {
		var h host
		if h.read(text) != nil {
			return
		}
		args := scriptArgs{}
		var again host
		if err := again.read(args.addressOfHost(h)); err != nil || args.addressOfHost(again) != args.addressOfHost(h) {
			t.Errorf("%q is read as %+v, and that as %+v, %v", text, h, again, err)
		}
	})
}
