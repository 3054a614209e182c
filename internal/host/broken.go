package host

import (
	"fmt"

	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	"github.com/chaos-monkey-engine/cmed/sdk/pluginv1"
)

// broken words the error of an RPC for people, when the process is gone.
func (s *session) broken(method string, err error) error {
	st := status.Convert(err)
	switch st.Code() { //nolint:exhaustive // the rest is worded alike
	case codes.Unavailable, codes.Canceled:
		return s.died()
	case codes.Unimplemented:
		return fmt.Errorf("it does not implement %s", method)
	case codes.ResourceExhausted:
		return fmt.Errorf("a message is larger than %d MiB", pluginv1.MaxMessage>>20)
	case codes.DeadlineExceeded:
		return fmt.Errorf("%s took too long", method)
	default:
		return fmt.Errorf("%s: %s", method, excerpt(st.Message()))
	}
}

// died says how the process ended, with its last words.
func (s *session) died() error {
	how := s.child.how()
	if line := lastLine(s.output.text()); line != "" {
		return fmt.Errorf("its process ended without an answer: %s; its last words: %s", how, line)
	}
	return fmt.Errorf("its process ended without an answer: %s", how)
}
