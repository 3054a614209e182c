package main

import (
	"bytes"
	"compress/gzip"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"io"
)

// record is what an undo of one machine works from. It has no credentials and no
// variables.
type record struct {
	Node string `json:"node"` // its id, or its address if the args name hosts
	place
	Address string `json:"address"`
	User    string `json:"user"`
	Job     string `json:"job"`
	Path    string `json:"path"` // of the script on the machine
	// Keep is set when the script is to stay on the machine.
	Keep   bool    `json:"keep,omitempty"`
	Script packed  `json:"script"`
	Undo   *packed `json:"undo,omitempty"`
}

// place is where a provider's node was, so that an undo that doesn't find it can
// tell whether it looks at the same place. It is empty for hosts.
type place struct {
	Provider string `json:"provider,omitempty"`
	Region   string `json:"region,omitempty"`   // as the driver resolved it
	Identity string `json:"identity,omitempty"` // of the account or engine; see compute.Identified
	Zone     string `json:"zone,omitempty"`
}

// packed is a script as a record has it.
type packed struct {
	Name   string `json:"name"`
	SHA256 string `json:"sha256"`
	Bytes  int    `json:"bytes"`
	// Gzip is the content; nil where there is no room for it.
	Gzip []byte `json:"gzip,omitempty"`
}

// maxPacked bounds the contents in a record, which in JSON grow by a third; the
// host takes 64 KiB.
const maxPacked = longestUndoScript + 1<<10

// newRecord returns what all machines' records have in common. The undo script is
// always in it, the script only where there is room.
func newRecord(s scripts) record {
	r := record{Script: pack(s.main)}
	room := maxPacked
	if s.undo != nil {
		undo := pack(*s.undo)
		r.Undo = &undo
		room -= len(undo.Gzip)
	}
	if len(r.Script.Gzip) > room {
		r.Script.Gzip = nil
	}
	return r
}

func pack(s script) packed {
	var b bytes.Buffer
	w, err := gzip.NewWriterLevel(&b, gzip.BestCompression)
	if err == nil {
		_, err = w.Write(s.content)
	}
	if err == nil {
		err = w.Close()
	}
	if err != nil {
		panic(err) // a buffer takes everything
	}
	return packed{Name: s.name, SHA256: digest(s.content), Bytes: len(s.content), Gzip: b.Bytes()}
}

func digest(content []byte) string {
	sum := sha256.Sum256(content)
	return hex.EncodeToString(sum[:])
}

// content is the script.
func (p packed) content() ([]byte, error) {
	r, err := gzip.NewReader(bytes.NewReader(p.Gzip))
	if err != nil {
		return nil, fmt.Errorf("unpack the script %s of the record: %w", p.Name, err)
	}
	content, err := io.ReadAll(io.LimitReader(r, longestScript+1))
	if err != nil {
		return nil, fmt.Errorf("unpack the script %s of the record: %w", p.Name, err)
	}
	if digest(content) != p.SHA256 {
		return nil, fmt.Errorf("the script %s of the record is not what was packed", p.Name)
	}
	return content, nil
}
