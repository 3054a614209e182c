package ec2

import (
	"context"
	"fmt"
	"log/slog"
	"net/http"
	"os"
	"regexp"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/aws/retry"
	awshttp "github.com/aws/aws-sdk-go-v2/aws/transport/http"
	"github.com/aws/aws-sdk-go-v2/config"
	"github.com/aws/smithy-go/logging"

	"github.com/chaos-monkey-engine/cmed/sdk/compute"
)

// passedOn ends each remedy that asks for a variable.
const passedOn = "in the daemon's environment, of which the attack sees what --plugin-env grants (by default all that it asks for)"

// regionName is the form of a region's name. It becomes a part of a host's name,
// so nothing may come through that leads to another host.
var regionName = regexp.MustCompile(`^[a-z][a-z0-9]*(-[a-z0-9]+)*$`)

// load reads the SDK's configuration: once for what is set, and once more with
// the region, the retries and the sources of credentials that follow from it.
func load(ctx context.Context, region string, b bounds, log *slog.Logger) (aws.Config, error) {
	options := []func(*config.LoadOptions) error{
		config.WithHTTPClient(awshttp.NewBuildableClient().WithTimeout(b.attempt).WithTransportOptions(func(t *http.Transport) {
			t.IdleConnTimeout = b.idle
		})),
		config.WithLogger(smithyLogger(log)),
		config.WithRegion(region),
	}
	set, err := config.LoadDefaultConfig(ctx, options...)
	if err != nil {
		return aws.Config{}, unreadableConfig(err)
	}
	metadata := newMetadata(set, b.metadata)
	if region, err = chooseRegion(ctx, set.Region, metadata); err != nil {
		return aws.Config{}, err
	}
	source, err := credentialSource(os.Getenv("AWS_IAM_ROLE"), metadata)
	if err != nil {
		return aws.Config{}, err
	}
	full, err := config.LoadDefaultConfig(ctx, append(options, source,
		config.WithRegion(region),
		config.WithRetryer(func() aws.Retryer { return adaptive(set.RetryMaxAttempts, b) }),
	)...)
	if err != nil {
		return aws.Config{}, unreadableConfig(err)
	}
	return full, nil
}

// adaptive returns a retryer that slows all calls of a client down when it is
// asked to.
func adaptive(attempts int, b bounds) aws.Retryer {
	if attempts <= 0 {
		attempts = b.attempts
	}
	return retry.NewAdaptiveMode(func(o *retry.AdaptiveModeOptions) {
		o.StandardOptions = append(o.StandardOptions, func(o *retry.StandardOptions) {
			o.MaxAttempts, o.MaxBackoff = attempts, b.backoff
		})
	})
}

// chooseRegion returns the region that was set, or else the instance's.
func chooseRegion(ctx context.Context, set string, m metadata) (string, error) {
	region := set
	if region == "" {
		region = m.region(ctx)
	}
	switch {
	case region == "":
		return "", &compute.Error{
			Kind: compute.ErrUnconfigured, Operation: "EC2 region", Message: "none is set",
			Remedy: "set region in the args, or AWS_DEFAULT_REGION " + passedOn,
		}
	case len(region) > 63 || !regionName.MatchString(region):
		return "", &compute.Error{
			Kind: compute.ErrUnconfigured, Operation: "EC2 region", Message: fmt.Sprintf("%.80q is not the name of a region", region),
			Remedy: `a region is named like "eu-west-1" (not like a zone, "eu-west-1a")`,
		}
	}
	return region, nil
}

func unreadableConfig(err error) error {
	return &compute.Error{
		Kind: compute.ErrUnconfigured, Operation: "AWS configuration", Message: oneLine(err.Error()), Err: err,
		Remedy: "mend the AWS_ variables or the files in ~/.aws; the daemon must pass them and HOME on to the attack (--plugin-env)",
	}
}

// smithyLogger lets the SDK say what it wants to: that it falls back, that it
// extends credentials. It goes to standard error otherwise.
func smithyLogger(log *slog.Logger) logging.Logger {
	return logging.LoggerFunc(func(c logging.Classification, format string, v ...any) {
		level := slog.LevelDebug
		if c == logging.Warn {
			level = slog.LevelWarn
		}
		log.Log(context.Background(), level, "AWS SDK", "text", oneLine(fmt.Sprintf(format, v...)))
	})
}
