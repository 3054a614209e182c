package host

import (
	"io"
	"sync"
)

// maxStray is how much of what a process wrote to standard output by mistake is
// shown, in bytes.
const maxStray = 200

// stray takes what a process writes to standard output when its handshake is
// over. All of it is dropped but, when a plugin is tried out, the beginning.
type stray struct {
	host *Host // nil: nobody wants to know
	mark string
	text []byte
}

func (h *Host) stray(mark string) *stray {
	if !h.watched() {
		return &stray{}
	}
	return &stray{host: h, mark: mark}
}

// Write never fails.
func (s *stray) Write(b []byte) (int, error) {
	if s.host != nil {
		s.text = append(s.text, b[:min(len(b), maxStray-len(s.text))]...)
	}
	return len(b), nil
}

// tell tells of what was written, when the process is gone.
func (s *stray) tell() {
	if len(s.text) > 0 {
		s.host.saw(s.mark, SawStdout, cut(string(s.text), maxStray))
	}
}

// printed returns a writer that passes on what go-plugin says was written to
// standard output: in a Go plugin it takes the place of that. When a plugin is
// tried out, the beginning is told at once.
func (h *Host) printed(mark string, to io.Writer) io.Writer {
	if !h.watched() {
		return to
	}
	return &printed{host: h, mark: mark, to: to}
}

type printed struct {
	host *Host
	mark string
	to   io.Writer
	once sync.Once
}

func (p *printed) Write(b []byte) (int, error) {
	if len(b) > 0 {
		p.once.Do(func() { p.host.saw(p.mark, SawStdout, cut(string(b), maxStray)) })
	}
	return p.to.Write(b)
}
