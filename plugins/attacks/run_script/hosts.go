package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"strconv"
	"strings"
	"unicode"

	"github.com/chaos-monkey-engine/cmed/sdk/compute"
)

// host is a machine that the args name.
type host struct {
	Host    string `json:"host"`
	Port    int    `json:"port,omitempty"` // 0: that of ssh
	HostKey string `json:"host_key,omitempty"`
}

var errHost = errors.New("a host is a name or an IP address, with a port if you like (web-1:2222, [::1]:22), or an object with host, port and host_key")

// UnmarshalJSON reads a text or an object.
func (h *host) UnmarshalJSON(doc []byte) error {
	var text string
	if err := json.Unmarshal(doc, &text); err == nil {
		return h.read(text)
	}
	type plain host
	var object plain
	if err := json.Unmarshal(doc, &object); err != nil {
		return errHost
	}
	if strings.Contains(object.Host, "@") {
		return h.read(object.Host)
	}
	if !isHost(object.Host) || object.Port < 0 || object.Port > 65535 {
		return fmt.Errorf("%q: %w", object.Host, errHost)
	}
	*h = host(object)
	return nil
}

func (h *host) read(text string) error {
	if isHost(text) {
		h.Host = text
		return nil
	}
	if strings.Contains(text, "@") {
		return fmt.Errorf("%q: put the user into ssh.user, and leave the host here", text)
	}
	name, port, err := net.SplitHostPort(text)
	if err != nil || !isHost(name) {
		return fmt.Errorf("%q: %w", text, errHost)
	}
	number, err := strconv.ParseUint(port, 10, 16)
	if err != nil || number == 0 {
		return fmt.Errorf("%q: the port is not a number from 1 to 65535", text)
	}
	h.Host, h.Port = name, int(number)
	return nil
}

// isHost says whether a text is an IP address or can be a name.
func isHost(text string) bool {
	if _, err := netip.ParseAddr(text); err == nil {
		return true
	}
	return text != "" && len(text) <= 253 && !strings.HasPrefix(text, "-") &&
		!strings.ContainsFunc(text, func(r rune) bool {
			return r == ':' || r == '/' || r == '@' || r == '[' || r == ']' || unicode.IsSpace(r) || unicode.IsControl(r)
		})
}

// nodes are the hosts as candidates of a choice. Each has its address as its id,
// so one that is named twice counts once.
func (a scriptArgs) nodes() []compute.Node {
	nodes := make([]compute.Node, len(a.Hosts))
	for i, h := range a.Hosts {
		nodes[i] = compute.Node{ID: a.addressOfHost(h), Name: h.Host, State: compute.Unknown}
	}
	return nodes
}

func (a scriptArgs) addressOfHost(h host) string {
	port := h.Port
	if port == 0 {
		port = a.SSH.port()
	}
	return net.JoinHostPort(h.Host, strconv.Itoa(port))
}

// pinned is the key that a chosen host has to show; "" if the args don't say.
func (a scriptArgs) pinned(id string) string {
	for _, h := range a.Hosts {
		if h.HostKey != "" && a.addressOfHost(h) == id {
			return h.HostKey
		}
	}
	return ""
}
