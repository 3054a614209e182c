package ec2

import (
	"context"
	"crypto/rand"
	"fmt"
	"net/http"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	awshttp "github.com/aws/aws-sdk-go-v2/aws/transport/http"
	"github.com/aws/aws-sdk-go-v2/config"
	"github.com/aws/aws-sdk-go-v2/service/ec2"
	"github.com/aws/aws-sdk-go-v2/service/ec2/types"

	"github.com/chaos-monkey-engine/cmed/internal/awstest"
	"github.com/chaos-monkey-engine/cmed/sdk/compute"
)

// TestSuite is what the driver must do at any endpoint. It runs against the one
// that AWS_ENDPOINT_URL names, with the environment's credentials, or against
// awstest. It launches instances of its own (of the image AWS_TEST_IMAGE), has
// the driver act on those alone, and asks the endpoint through a client of its
// own what has become of them.
func TestSuite(t *testing.T) {
	useEndpoint(t)
	s := newSuite(t)
	t.Run("List finds what runs and matches", s.list)
	t.Run("filters are joined as EC2 does", s.filters)
	t.Run("all pages are read", s.pages)
	t.Run("a filter that isn't known is refused", s.unknownFilter)
	t.Run("Find leaves out what isn't there", s.find)
	t.Run("Stop and Start", s.stopAndStart)
	t.Run("Reboot", s.reboot)
	t.Run("a dry run changes nothing", s.dryRun)
	t.Run("Terminate ends those named and no others", s.terminate)
	t.Run("an order with an unknown id ends nobody", s.unknownID)
	t.Run("a wrong secret is refused", s.wrongSecret)
}

// isAWS tells whether a host is one of Amazon's.
func isAWS(host string) bool {
	host, _, _ = strings.Cut(host, ":")
	return strings.HasSuffix(host, ".amazonaws.com") || strings.HasSuffix(host, ".amazonaws.com.cn") ||
		strings.HasSuffix(host, ".aws") || strings.HasSuffix(host, ".api.amazonwebservices.com")
}

// reallyAWS tells whether somebody wants the suite to cost money.
func reallyAWS() bool { return os.Getenv("AWS_TEST_REALLY") == "1" }

// useEndpoint sets what the environment lacks.
func useEndpoint(t *testing.T) {
	endpoint := os.Getenv("AWS_ENDPOINT_URL")
	if endpoint == "" {
		s := newAWS(t)
		s.Settle(20 * time.Millisecond)
		return
	}
	t.Logf("the endpoint is %s", endpoint)
	_, host, _ := strings.Cut(strings.TrimSuffix(endpoint, "/"), "://")
	if isAWS(host) && !reallyAWS() {
		t.Skip("this is AWS itself; to launch and terminate instances there, set AWS_TEST_REALLY=1")
	}
	for name, otherwise := range map[string]string{
		"AWS_DEFAULT_REGION": "us-east-1", "AWS_ACCESS_KEY_ID": "test", "AWS_SECRET_ACCESS_KEY": "test",
	} {
		if os.Getenv(name) == "" && os.Getenv("AWS_PROFILE") == "" {
			t.Setenv(name, otherwise)
		}
	}
}

// suite is the endpoint, as the driver sees it and as it is.
type suite struct {
	driver compute.Driver
	raw    *ec2.Client
	mark   string // the value of the tag that only this run's instances have
}

// guard is the suite's way to the endpoint. Whatever the configuration says, it
// doesn't lead to AWS by accident.
type guard struct{ ec2.HTTPClient }

func (g *guard) Do(r *http.Request) (*http.Response, error) {
	if isAWS(r.URL.Host) && !reallyAWS() {
		return nil, fmt.Errorf("%s is AWS itself, and AWS_TEST_REALLY isn't 1", r.URL.Host)
	}
	return g.HTTPClient.Do(r)
}

func newSuite(t *testing.T) *suite {
	raw := rawClient(t)
	if _, err := raw.DescribeInstances(t.Context(), nil); err != nil {
		t.Fatalf("the endpoint can't be used: %v", err)
	}
	return &suite{driver: mustOpen(t, patient()), raw: raw, mark: rand.Text()}
}

// rawClient returns the SDK's own client, with a guard.
func rawClient(t *testing.T) *ec2.Client {
	t.Helper()
	client := awshttp.NewBuildableClient().WithTimeout(20 * time.Second).WithTransportOptions(func(t *http.Transport) {
		t.DisableKeepAlives = true
	})
	configuration, err := config.LoadDefaultConfig(t.Context(), config.WithHTTPClient(client))
	if err != nil {
		t.Fatal(err)
	}
	return ec2.NewFromConfig(configuration, func(o *ec2.Options) { o.HTTPClient = &guard{o.HTTPClient} })
}

// patient are the usual bounds, but for looking often, small pages and leaving
// no connections behind.
func patient() bounds {
	b := usual
	b.minLook, b.maxLook, b.idle, b.page = 50*time.Millisecond, 2*time.Second, 100*time.Millisecond, 5
	return b
}

// launch starts instances for one test and waits until they run.
func (s *suite) launch(t *testing.T, n int32, tags ...types.Tag) []string {
	t.Helper()
	image := os.Getenv("AWS_TEST_IMAGE")
	if image == "" {
		image = "ami-12c6146b"
	}
	tags = append(tags, tag("cmed-suite", s.mark), tag("cmed-test", t.Name()))
	out, err := s.raw.RunInstances(t.Context(), &ec2.RunInstancesInput{
		ImageId: aws.String(image), InstanceType: types.InstanceTypeT3Micro, MinCount: aws.Int32(n), MaxCount: aws.Int32(n),
		TagSpecifications: []types.TagSpecification{{ResourceType: types.ResourceTypeInstance, Tags: tags}},
	})
	if err != nil {
		t.Fatalf("RunInstances: %v", err)
	}
	var ids []string
	for _, i := range out.Instances {
		ids = append(ids, *i.InstanceId)
	}
	t.Cleanup(func() {
		_, err := s.raw.TerminateInstances(context.Background(), &ec2.TerminateInstancesInput{InstanceIds: ids})
		if err != nil {
			t.Errorf("the instances %v of this test may be left: %v", ids, err)
		}
	})
	s.wantState(t, "running", ids...)
	slices.Sort(ids)
	return ids
}

func tag(key, value string) types.Tag { return types.Tag{Key: &key, Value: &value} }

// ours are filters that only instances of this test match.
func (s *suite) ours(t *testing.T) compute.Filters {
	return compute.Filters{"tag:cmed-suite": {s.mark}, "tag:cmed-test": {t.Name()}}
}

// state asks the endpoint itself. One that it has forgotten is terminated.
func (s *suite) state(t *testing.T, id string) string {
	t.Helper()
	out, err := s.raw.DescribeInstances(t.Context(), &ec2.DescribeInstancesInput{InstanceIds: []string{id}})
	if err != nil && strings.Contains(err.Error(), "InvalidInstanceID.NotFound") {
		return "terminated"
	}
	if err != nil {
		t.Fatalf("DescribeInstances: %v", err)
	}
	for _, r := range out.Reservations {
		for _, i := range r.Instances {
			return string(i.State.Name)
		}
	}
	return "terminated"
}

// wantState waits for instances to be in a state, five minutes at most.
func (s *suite) wantState(t *testing.T, want string, ids ...string) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 5*time.Minute)
	defer cancel()
	poll := time.NewTicker(100 * time.Millisecond)
	defer poll.Stop()
	for _, id := range ids {
		for got := s.state(t, id); got != want; got = s.state(t, id) {
			select {
			case <-poll.C:
			case <-ctx.Done():
				t.Fatalf("%s is %s after five minutes, want %s", id, got, want)
			}
		}
	}
}

// The suite must never reach AWS by accident.
func TestTheSuiteKeepsAwayFromAWS(t *testing.T) {
	for host, want := range map[string]bool{
		"ec2.eu-west-1.amazonaws.com": true, "ec2.eu-west-1.amazonaws.com:443": true, "ec2.cn-north-1.amazonaws.com.cn": true,
		"ec2.eu-west-1.api.aws": true, "127.0.0.1:4566": false, "localhost": false, "amazonaws.com.example.com": false,
	} {
		if isAWS(host) != want {
			t.Errorf("%s: %v, want %v", host, isAWS(host), want)
		}
	}
	s := awstest.New()
	t.Cleanup(s.Close)
	setEnv(t, append(s.Env("eu-west-1"), "AWS_IGNORE_CONFIGURED_ENDPOINT_URLS=true")...)
	_, err := rawClient(t).DescribeInstances(t.Context(), nil, func(o *ec2.Options) { o.RetryMaxAttempts = 1 })
	if err == nil || !strings.Contains(err.Error(), "is AWS itself") {
		t.Errorf("the error is %v", err)
	}
}
