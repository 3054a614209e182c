package main

import (
	"encoding/json"
	"fmt"
	"math"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/chaos-monkey-engine/cmed/sdk"
)

// Args is what the attack is configured with; schema.json says what each means.
type Args struct {
	Endpoint        string            `json:"endpoint"`
	Method          string            `json:"method"`
	Payload         json.RawMessage   `json:"payload,omitempty"`
	Headers         map[string]string `json:"headers,omitempty"`
	Body            string            `json:"body,omitempty"`
	Timeout         sdk.Duration      `json:"timeout,omitempty"`
	ExpectStatus    Statuses          `json:"expect_status,omitempty"`
	FollowRedirects *bool             `json:"follow_redirects,omitempty"`
	TLS             TLS               `json:"tls,omitzero"`
}

// TLS is how the server's certificate is checked.
type TLS struct {
	InsecureSkipVerify bool   `json:"insecure_skip_verify,omitempty"`
	CAPEM              string `json:"ca_pem,omitempty"`
	ServerName         string `json:"server_name,omitempty"`
}

// defaultTimeout bounds a request whose args set no timeout.
const defaultTimeout = 30 * time.Second

func (a Args) timeout() time.Duration {
	if a.Timeout == 0 {
		return defaultTimeout
	}
	return time.Duration(a.Timeout)
}

func (a Args) method() string { return strings.ToUpper(a.Method) }

// target is the endpoint's host, with its port if it has one.
func (a Args) target() (sdk.Target, error) {
	endpoint, err := url.Parse(a.Endpoint)
	if err != nil || endpoint.Host == "" {
		return sdk.Target{}, sdk.Invalid("/endpoint", "the endpoint is not an absolute http or https URL")
	}
	return sdk.Target{ID: endpoint.Host, Name: a.Endpoint, State: "selected"}, nil
}

// Statuses are the HTTP statuses that count as success; none means all.
type Statuses []int

// UnmarshalJSON reads a whole number or a list of them.
func (s *Statuses) UnmarshalJSON(text []byte) error {
	var numbers []float64
	if err := json.Unmarshal(text, &numbers); err != nil {
		var one float64
		if err := json.Unmarshal(text, &one); err != nil {
			return fmt.Errorf("read a status or a list of them: %w", err)
		}
		numbers = []float64{one}
	}
	statuses := make(Statuses, len(numbers))
	for i, number := range numbers {
		if number != math.Trunc(number) || number < 100 || number > 999 {
			return fmt.Errorf("%v is not an HTTP status", number)
		}
		statuses[i] = int(number)
	}
	*s = statuses
	return nil
}

// check returns an error when the status is none of those expected.
func (s Statuses) check(status int) error {
	if len(s) == 0 || slices.Contains(s, status) {
		return nil
	}
	if len(s) == 1 {
		return fmt.Errorf("answered with status %d, but %d is expected", status, s[0])
	}
	return fmt.Errorf("answered with status %d, but one of %v is expected", status, []int(s))
}
