// Package ec2 is the compute.Driver of Amazon EC2, and of anything that speaks
// its API at AWS_ENDPOINT_URL.
//
// Region and credentials come from where the AWS SDKs take them (environment,
// profiles, SSO, web identity, containers, the instance's role), and from the
// role named by AWS_IAM_ROLE before all of these, as the Chaos Monkey Engine of
// 2017 had it. Of a plan only the region is taken.
//
// Each call is tried again in the SDK's adaptive mode (AWS_MAX_ATTEMPTS times at
// most, 4 by default) and bounded three times: an attempt to the end of its
// answer, the pause before the next one, and the call as a whole. That an answer
// was lost does no harm: to start, stop or terminate once more changes nothing,
// though the repeated answer then names the state after the first try as the one
// before. Only a reboot may happen twice.
package ec2

import (
	"context"
	"log/slog"
	"sync/atomic"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ec2"
	"github.com/aws/aws-sdk-go-v2/service/sts"
	"github.com/aws/smithy-go/middleware"

	"github.com/chaos-monkey-engine/cmed/sdk/compute"
)

// bounds limit how long things may take, how often they are tried and how much
// comes at once.
type bounds struct {
	attempt     time.Duration // one HTTP request, to the end of its answer
	call        time.Duration // one call of the API, with all its attempts
	backoff     time.Duration // the longest pause between two attempts
	attempts    int           // where AWS_MAX_ATTEMPTS and the profile say nothing
	credentials time.Duration // to get credentials, wherever they come from
	metadata    time.Duration // one question to the instance metadata
	minLook     time.Duration // between two looks of Await, at first
	maxLook     time.Duration // and in the end
	idle        time.Duration // that a connection is kept for the next call
	page        int32         // how many instances EC2 lists at once, at most 1000
}

// usual holds what applies outside tests.
var usual = bounds{
	attempt:     10 * time.Second,
	call:        time.Minute,
	backoff:     5 * time.Second,
	attempts:    4,
	credentials: 20 * time.Second,
	metadata:    2 * time.Second,
	minLook:     time.Second,
	maxLook:     15 * time.Second,
	idle:        90 * time.Second,
	page:        1000,
}

// driver is a compute.Driver of one region.
type driver struct {
	api         api
	region      string
	credentials aws.CredentialsProvider
	bounds      bounds
	log         *slog.Logger
	account     atomic.Pointer[string] // the number of the one whose instances it has seen
}

var (
	_ compute.Driver        = (*driver)(nil)
	_ compute.Regional      = (*driver)(nil)
	_ compute.Identified    = (*driver)(nil)
	_ compute.FilterChecker = (*driver)(nil)
)

// Region is the one that is called.
func (d *driver) Region() string { return d.region }

// operation is one call of an API, with all its attempts, which watch sees.
type operation[In, Out any] func(ctx context.Context, in In, watch func(*middleware.Stack) error) (Out, error)

// api is what the driver calls of EC2, and of STS to learn whom it asks for. It is these few functions rather than the
// SDK's client, since a client that can be reached through an interface has the
// linker keep the code of all its 700 operations: 30 MB.
type api struct {
	describe  operation[*ec2.DescribeInstancesInput, *ec2.DescribeInstancesOutput]
	start     operation[*ec2.StartInstancesInput, *ec2.StartInstancesOutput]
	stop      operation[*ec2.StopInstancesInput, *ec2.StopInstancesOutput]
	reboot    operation[*ec2.RebootInstancesInput, *ec2.RebootInstancesOutput]
	terminate operation[*ec2.TerminateInstancesInput, *ec2.TerminateInstancesOutput]
	identify  operation[*sts.GetCallerIdentityInput, *sts.GetCallerIdentityOutput]
}

func apiOf(config aws.Config) api {
	client, identities := ec2.NewFromConfig(config), sts.NewFromConfig(config)
	return api{
		describe: ofEC2(client.DescribeInstances), start: ofEC2(client.StartInstances), stop: ofEC2(client.StopInstances),
		reboot: ofEC2(client.RebootInstances), terminate: ofEC2(client.TerminateInstances),
		identify: func(ctx context.Context, in *sts.GetCallerIdentityInput, watch func(*middleware.Stack) error) (*sts.GetCallerIdentityOutput, error) {
			return identities.GetCallerIdentity(ctx, in, func(o *sts.Options) { o.APIOptions = append(o.APIOptions, watch) })
		},
	}
}

func ofEC2[In, Out any](do func(context.Context, In, ...func(*ec2.Options)) (Out, error)) operation[In, Out] {
	return func(ctx context.Context, in In, watch func(*middleware.Stack) error) (Out, error) {
		return do(ctx, in, func(o *ec2.Options) { o.APIOptions = append(o.APIOptions, watch) })
	}
}

// Open makes a driver of a region with the environment's credentials. The region
// is o.Region, else AWS_REGION, else AWS_DEFAULT_REGION, else the profile's, else
// that of the instance it runs on; the metadata of that instance is asked only
// then, and for two seconds at most. The credentials are fetched once, so that
// whoever lacks them learns it here: compute.ErrUnconfigured is returned when
// region or credentials are missing or can't be used, compute.ErrNotAllowed when
// AWS refuses to hand out credentials. EC2 itself isn't asked.
func Open(ctx context.Context, o compute.Options) (compute.Driver, error) {
	return open(ctx, o, usual)
}

func open(ctx context.Context, o compute.Options, b bounds) (compute.Driver, error) {
	log := o.Log
	if log == nil {
		log = slog.New(slog.DiscardHandler)
	}
	config, err := load(ctx, o.Region, b, log)
	if err != nil {
		return nil, err
	}
	d := &driver{api: apiOf(config), region: config.Region, credentials: config.Credentials, bounds: b, log: log}
	if _, err := d.signer(ctx); err != nil {
		return nil, err
	}
	return d, nil
}
