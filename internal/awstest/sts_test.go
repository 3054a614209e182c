package awstest

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/config"
	awsec2 "github.com/aws/aws-sdk-go-v2/service/ec2"
	awssts "github.com/aws/aws-sdk-go-v2/service/sts"
)

// configured is what the SDK makes of an environment that has these variables
// and none other of AWS's.
func configured(t *testing.T, env ...string) aws.Config {
	t.Helper()
	t.Setenv("HOME", t.TempDir())
	for _, variable := range os.Environ() {
		if name, value, _ := strings.Cut(variable, "="); strings.HasPrefix(name, "AWS_") {
			t.Setenv(name, value) // brings it back when the test ends
			if err := os.Unsetenv(name); err != nil {
				t.Fatal(err)
			}
		}
	}
	for _, variable := range env {
		name, value, _ := strings.Cut(variable, "=")
		t.Setenv(name, value)
	}
	c, err := config.LoadDefaultConfig(within(t), config.WithHTTPClient(isolated(t)))
	if err != nil {
		t.Fatal(err)
	}
	return c
}

func TestTheEnvironmentIsAllAnSDKNeeds(t *testing.T) {
	s := open(t)
	c := configured(t, s.Env("eu-central-1")...)
	who, err := awssts.NewFromConfig(c).GetCallerIdentity(within(t), &awssts.GetCallerIdentityInput{})
	if err != nil {
		t.Fatal(err)
	}
	if *who.Account != account || *who.Arn != "arn:aws:iam::123456789012:user/awstest" {
		t.Errorf("got %s, %s", *who.Account, *who.Arn)
	}
	s.Add(Instance{ID: "i-0000000a", Region: "eu-central-1"})
	if got, err := list(t, awsec2.NewFromConfig(c)); err != nil || len(got) != 1 {
		t.Errorf("got %v, %v", got, err)
	}
	s.Deny("GetCallerIdentity")
	_, err = awssts.NewFromConfig(c).GetCallerIdentity(within(t), &awssts.GetCallerIdentityInput{})
	wantError(t, err, "AccessDenied", "not authorized")
}

func TestARoleIsAssumed(t *testing.T) {
	s := open(t)
	s.Role("chaos", time.Hour)
	c := awssts.NewFromConfig(configured(t, s.Env("eu-west-1")...))
	assume := func(arn, session string) (*awssts.AssumeRoleOutput, error) {
		return c.AssumeRole(within(t), &awssts.AssumeRoleInput{RoleArn: &arn, RoleSessionName: &session})
	}
	out, err := assume("arn:aws:iam::123456789012:role/chaos", "monkey")
	if err != nil {
		t.Fatal(err)
	}
	if *out.AssumedRoleUser.Arn != "arn:aws:sts::123456789012:assumed-role/chaos/monkey" || time.Until(*out.Credentials.Expiration) < 50*time.Minute {
		t.Errorf("got %+v", out)
	}
	temporary := Credentials{*out.Credentials.AccessKeyId, *out.Credentials.SecretAccessKey, *out.Credentials.SessionToken}
	if _, err := list(t, client(t, s, temporary)); err != nil {
		t.Errorf("the role's credentials: %v", err)
	}
	_, err = assume("arn:aws:iam::123456789012:role/king", "monkey")
	wantError(t, err, "AccessDenied", "is not authorized to perform: sts:AssumeRole on resource: arn:aws:iam::123456789012:role/king")
	_, err = assume("arn:aws:iam::123456789012:role/chaos", "a b")
	wantError(t, err, "ValidationError", "roleSessionName")
}

func TestARoleIsAssumedByWebIdentity(t *testing.T) {
	s := open(t)
	s.Role("pod", time.Hour)
	token, arn := s.WebIdentity("pod")
	file := filepath.Join(t.TempDir(), "token")
	use := func(text string) ([]string, error) {
		if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		c := configured(t, "AWS_ENDPOINT_URL="+s.URL(), "AWS_ENDPOINT_URL_STS="+s.URL(), "AWS_REGION=eu-west-1",
			"AWS_WEB_IDENTITY_TOKEN_FILE="+file, "AWS_ROLE_ARN="+arn, "AWS_ROLE_SESSION_NAME=chaos",
			"AWS_EC2_METADATA_DISABLED=true", "AWS_MAX_ATTEMPTS=1")
		return list(t, awsec2.NewFromConfig(c, func(o *awsec2.Options) { o.RetryMaxAttempts = 1 }))
	}
	if _, err := use(token); err != nil {
		t.Error(err)
	}
	_, err := use("another")
	wantError(t, err, "InvalidIdentityToken", "")
}
