package awstest

import (
	"context"
	"errors"
	"io"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/aws/retry"
	"github.com/aws/aws-sdk-go-v2/credentials"
	awsec2 "github.com/aws/aws-sdk-go-v2/service/ec2"
	"github.com/aws/aws-sdk-go-v2/service/ec2/types"
	"github.com/aws/smithy-go"
	"go.uber.org/goleak"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// open returns a server that is closed when the test ends.
func open(t *testing.T) *Server {
	t.Helper()
	s := New()
	t.Cleanup(s.Close)
	return s
}

// isolated is an HTTP client whose connections end with the test.
func isolated(t *testing.T) *http.Client {
	t.Helper()
	transport := &http.Transport{}
	t.Cleanup(transport.CloseIdleConnections)
	return &http.Client{Transport: readersOnly{transport}}
}

// readersOnly hides that a request's body can write itself, which the SDK's
// can't any more once the answer is there: see latency.
type readersOnly struct{ *http.Transport }

func (r readersOnly) RoundTrip(req *http.Request) (*http.Response, error) {
	if req.Body != nil && req.Body != http.NoBody {
		req = req.Clone(req.Context())
		req.Body = struct{ io.ReadCloser }{req.Body}
	}
	return r.Transport.RoundTrip(req)
}

// client is AWS's own client for the server: the judge of its answers. It tries
// once.
func client(t *testing.T, s *Server, c Credentials) *awsec2.Client {
	t.Helper()
	return awsec2.New(awsec2.Options{
		Region:       "eu-west-1",
		BaseEndpoint: aws.String(s.URL()),
		HTTPClient:   isolated(t),
		Credentials:  credentials.NewStaticCredentialsProvider(c.ID, c.Secret, c.Token),
		Retryer:      retry.AddWithMaxAttempts(retry.NewStandard(), 1),
	})
}

// within bounds what a test waits for.
func within(t *testing.T) context.Context {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
	t.Cleanup(cancel)
	return ctx
}

// list returns the ids that match the filters, as pairs of name and values
// separated by commas.
func list(t *testing.T, c *awsec2.Client, filters ...string) ([]string, error) {
	t.Helper()
	in := &awsec2.DescribeInstancesInput{}
	for pair := range slices.Chunk(filters, 2) {
		in.Filters = append(in.Filters, types.Filter{Name: &pair[0], Values: strings.Split(pair[1], ",")})
	}
	out, err := c.DescribeInstances(within(t), in)
	if err != nil {
		return nil, err
	}
	return idsOf(out.Reservations), nil
}

func idsOf(reservations []types.Reservation) []string {
	ids := []string{}
	for _, r := range reservations {
		for _, i := range r.Instances {
			ids = append(ids, *i.InstanceId)
		}
	}
	return ids
}

// wantError checks the error that AWS's client makes of an answer.
func wantError(t *testing.T, err error, code, message string) {
	t.Helper()
	var api smithy.APIError
	if !errors.As(err, &api) {
		t.Fatalf("got %v, want %s", err, code)
	}
	if api.ErrorCode() != code || !strings.Contains(api.ErrorMessage(), message) {
		t.Errorf("got %s: %s, want %s: %s", api.ErrorCode(), api.ErrorMessage(), code, message)
	}
}

// statesOf returns id=state of all instances.
func statesOf(s *Server) string {
	var all []string
	for _, i := range s.Instances("eu-west-1") {
		all = append(all, i.ID+"="+i.State)
	}
	return strings.Join(all, " ")
}
