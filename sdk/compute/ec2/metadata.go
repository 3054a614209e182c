package ec2

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/aws/retry"
	awshttp "github.com/aws/aws-sdk-go-v2/aws/transport/http"
	"github.com/aws/aws-sdk-go-v2/feature/ec2/imds"
	smithyhttp "github.com/aws/smithy-go/transport/http"
)

// metadata is the instance metadata service, asked in bounded time: elsewhere
// than on EC2 there is none, and its address may well swallow what is sent.
type metadata struct {
	client *imds.Client
	bound  time.Duration
}

// newMetadata returns the service where set has it; a lost answer is asked for
// once more. Where version 2 gives no token the SDK falls back to version 1,
// unless AWS_EC2_METADATA_V1_DISABLED is set.
func newMetadata(set aws.Config, bound time.Duration) metadata {
	client := imds.NewFromConfig(set, func(o *imds.Options) {
		o.HTTPClient = withoutProxy(bound)
		o.Retryer = retry.NewStandard(func(o *retry.StandardOptions) { o.MaxAttempts, o.MaxBackoff = 2, bound/10 })
	})
	return metadata{client, bound}
}

// withoutProxy returns a client for what only this machine can reach.
func withoutProxy(bound time.Duration) *awshttp.BuildableClient {
	return awshttp.NewBuildableClient().WithTimeout(bound).WithTransportOptions(func(t *http.Transport) { t.Proxy = nil })
}

// GetMetadata asks for one item. What comes back has been read to its end.
func (m metadata) GetMetadata(ctx context.Context, in *imds.GetMetadataInput, o ...func(*imds.Options)) (*imds.GetMetadataOutput, error) {
	ctx, cancel := context.WithTimeout(ctx, m.bound)
	defer cancel()
	return m.client.GetMetadata(ctx, in, o...)
}

// region returns the region of the instance, or "" when it can't be learned.
func (m metadata) region(ctx context.Context) string {
	ctx, cancel := context.WithTimeout(ctx, m.bound)
	defer cancel()
	out, err := m.client.GetRegion(ctx, nil)
	if err != nil {
		return ""
	}
	return out.Region
}

// namedRole is the metadata service as ec2rolecreds needs it to fetch the
// credentials of one role: it asks which roles there are, and takes the first.
type namedRole struct {
	metadata
	role string
}

// GetMetadata answers the first question by itself and passes on the second.
func (n namedRole) GetMetadata(ctx context.Context, in *imds.GetMetadataInput, o ...func(*imds.Options)) (*imds.GetMetadataOutput, error) {
	if strings.HasSuffix(in.Path, "/security-credentials/") {
		return &imds.GetMetadataOutput{Content: io.NopCloser(strings.NewReader(n.role))}, nil
	}
	out, err := n.metadata.GetMetadata(ctx, in, o...)
	if err != nil {
		return nil, &missingRoleError{role: n.role, err: err}
	}
	return out, nil
}

// missingRoleError is returned when the metadata service has no credentials for
// the role asked for.
type missingRoleError struct {
	role string
	err  error
}

func (e *missingRoleError) Error() string {
	var answer *smithyhttp.ResponseError
	if errors.As(e.err, &answer) && answer.HTTPStatusCode() == http.StatusNotFound {
		return fmt.Sprintf("the instance has no role %q", e.role)
	}
	return fmt.Sprintf("the instance metadata gave none for the role %q (%s)", e.role, reason(e.err))
}

func (e *missingRoleError) Unwrap() error { return e.err }
