package ec2

import (
	"context"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/chaos-monkey-engine/cmed/internal/awstest"
	"github.com/chaos-monkey-engine/cmed/sdk/compute"
)

const (
	noRegion = "EC2 region: none is set; set region in the args, or AWS_DEFAULT_REGION in the daemon's environment, " +
		"of which the attack sees what --plugin-env grants (by default all that it asks for)"
	noKeysRemedy = "; set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, or AWS_PROFILE, in the daemon's environment, " +
		"of which the attack sees what --plugin-env grants (by default all that it asks for)"
	fileRemedy = "; mend the AWS_ variables or the files in ~/.aws; the daemon must pass them and HOME on to the attack (--plugin-env)"
	roleRemedy = "; AWS_IAM_ROLE is the name of the role of the instance the daemon runs on; unset it where there is no such role"
)

// newAWS starts an awstest server and sets the environment so that it is used,
// but for what the test sets itself.
func newAWS(t *testing.T, set ...string) *awstest.Server {
	t.Helper()
	s := awstest.New()
	t.Cleanup(s.Close)
	setEnv(t, append(s.Env(""), append([]string{"AWS_EC2_METADATA_DISABLED=false", "AWS_REGION=eu-west-1"}, set...)...)...)
	return s
}

// lastCall returns the latest request that was one of EC2's.
func lastCall(t *testing.T, s *awstest.Server) awstest.Call {
	t.Helper()
	calls := s.Calls()
	for i := range calls {
		if c := calls[len(calls)-1-i]; c.Key != "" {
			return c
		}
	}
	t.Fatal("no call came")
	return awstest.Call{}
}

func TestRegion(t *testing.T) {
	profile := "[default]\nregion = ap-south-1\n"
	tests := []struct {
		name, option string
		env          []string
		profile      string
		want         string
	}{
		{"the args' region is before all others", "us-east-1", []string{"AWS_REGION=eu-north-1"}, profile, "us-east-1"},
		{"AWS_REGION is before AWS_DEFAULT_REGION", "", []string{"AWS_REGION=eu-north-1", "AWS_DEFAULT_REGION=eu-west-3"}, profile, "eu-north-1"},
		{"AWS_DEFAULT_REGION is before the profile's", "", []string{"AWS_REGION=", "AWS_DEFAULT_REGION=eu-west-3"}, profile, "eu-west-3"},
		{"the profile's is before the instance's", "", []string{"AWS_REGION="}, profile, "ap-south-1"},
		{"the instance's is the last", "", []string{"AWS_REGION="}, "", "sa-east-1"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			s := newAWS(t, tt.env...)
			s.Add(awstest.Instance{Region: "sa-east-1"})
			writeProfile(t, "config", tt.profile)
			d, err := Open(t.Context(), compute.Options{Region: tt.option})
			if err != nil {
				t.Fatal(err)
			}
			if _, err := d.List(t.Context(), nil); err != nil {
				t.Fatal(err)
			}
			if got := lastCall(t, s).Region; got != tt.want {
				t.Errorf("the region is %q, want %q", got, tt.want)
			}
		})
	}
}

// Open says what is missing, what is wrong, and where it has to be mended.
func TestUnconfigured(t *testing.T) {
	keys := []string{"AWS_ACCESS_KEY_ID=" + testKey, "AWS_SECRET_ACCESS_KEY=" + testSecret}
	region := "AWS_DEFAULT_REGION=eu-west-1"
	tests := []struct {
		name   string
		region string
		env    []string
		want   string
	}{
		{"no region", "", keys, noRegion},
		{"a region that leads elsewhere", "x.example.com/", keys, `EC2 region: "x.example.com/" is not the name of a region; a region is named like "eu-west-1" (not like a zone, "eu-west-1a")`},
		{"no credentials", "", []string{region}, "AWS credentials: none found: not in the environment, not in a profile, and no role of an instance " +
			`(access disabled to EC2 IMDS via client option, or "AWS_EC2_METADATA_DISABLED" environment variable)` + noKeysRemedy},
		{"half a key pair", "", []string{region, keys[0]}, "AWS credentials: none found: not in the environment, not in a profile, and no role of an instance " +
			`(access disabled to EC2 IMDS via client option, or "AWS_EC2_METADATA_DISABLED" environment variable)` + noKeysRemedy},
		{"a profile that doesn't exist", "", []string{region, "AWS_PROFILE=staging"}, "AWS configuration: failed to get shared config profile, staging" + fileRemedy},
		{"attempts that are no number", "", append(keys, region, "AWS_MAX_ATTEMPTS=many"), `AWS configuration: invalid value AWS_MAX_ATTEMPTS=many, strconv.ParseInt: parsing "many": invalid syntax` + fileRemedy},
		{"the ARN of a role", "", []string{region, "AWS_IAM_ROLE=arn:aws:iam::123456789012:role/chaos"}, `AWS credentials: AWS_IAM_ROLE: "arn:aws:iam::123456789012:role/chaos" is an ARN, not a name; ` +
			"give the name of the role that the instance has; to assume another role, set AWS_PROFILE to a profile with role_arn instead"},
		{"the path of a role", "", []string{region, "AWS_IAM_ROLE=../../user-data"}, `AWS credentials: AWS_IAM_ROLE: "../../user-data" is not the name of a role; give the name of the role that the instance has, without a path`},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			setEnv(t, tt.env...)
			within(t, 3*time.Second, func(ctx context.Context) {
				_, err := Open(ctx, compute.Options{Region: tt.region})
				wantError(t, err, compute.ErrUnconfigured, tt.want)
			})
		})
	}
}

// Off EC2 nobody may answer at the address of the metadata service.
func TestMetadataThatIsSilentCostsLittle(t *testing.T) {
	silent := httptest.NewServer(http.HandlerFunc(hang))
	t.Cleanup(silent.Close)
	metadata := []string{"AWS_EC2_METADATA_DISABLED=false", "AWS_EC2_METADATA_SERVICE_ENDPOINT=" + silent.URL}
	tests := []struct {
		name string
		env  []string
		want string
	}{
		{"for the region", nil, noRegion},
		{"for the credentials", []string{"AWS_REGION=eu-west-1"}, "AWS credentials: none found: not in the environment, not in a profile, and no role of an instance (it took too long)" + noKeysRemedy},
		{"for a role", []string{"AWS_REGION=eu-west-1", "AWS_IAM_ROLE=chaos"}, `AWS credentials: the instance metadata gave none for the role "chaos" (it took too long)` + roleRemedy},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			setEnv(t, append(metadata, tt.env...)...)
			within(t, 4*time.Second, func(ctx context.Context) {
				_, err := Open(ctx, compute.Options{})
				wantError(t, err, compute.ErrUnconfigured, tt.want)
			})
		})
	}
}

func TestCredentialsOfAnInstance(t *testing.T) {
	tests := []struct {
		name string
		env  []string
		role string
	}{
		{"AWS_IAM_ROLE is before all others", []string{"AWS_IAM_ROLE=chaos"}, "chaos"},
		{"the instance's role is found by the chain", []string{"AWS_ACCESS_KEY_ID=", "AWS_SECRET_ACCESS_KEY="}, "other"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			s := newAWS(t, tt.env...)
			s.Role("other", time.Hour)
			s.Role("chaos", time.Hour)
			d, err := Open(t.Context(), compute.Options{})
			if err != nil {
				t.Fatal(err)
			}
			if _, err := d.List(t.Context(), nil); err != nil {
				t.Fatal(err)
			}
			if key := lastCall(t, s).Key; key == s.Credentials().ID {
				t.Error("the call was signed with the environment's key")
			}
			var asked bool
			for _, c := range s.Calls() {
				asked = asked || strings.HasSuffix(c.Action, "/security-credentials/"+tt.role)
			}
			if !asked {
				t.Errorf("the role %s wasn't asked for: %v", tt.role, s.Calls())
			}
		})
	}
}

func TestNoProxyIsAskedForMetadata(t *testing.T) {
	if withoutProxy(time.Second).GetTransport().Proxy != nil {
		t.Error("the metadata service is asked for through a proxy")
	}
}

func TestARoleThatDoesNotExist(t *testing.T) {
	s := newAWS(t, "AWS_IAM_ROLE=nosuch")
	s.Role("chaos", time.Hour)
	_, err := Open(t.Context(), compute.Options{})
	wantError(t, err, compute.ErrUnconfigured, `AWS credentials: the instance has no role "nosuch"`+roleRemedy)
}

// Credentials that have expired are fetched anew by the next call.
func TestARolesCredentialsAreRenewed(t *testing.T) {
	s := newAWS(t, "AWS_IAM_ROLE=chaos")
	s.Role("chaos", 0)
	d, err := Open(t.Context(), compute.Options{})
	if err != nil {
		t.Fatal(err)
	}
	s.Role("chaos", time.Hour)
	if _, err := d.List(t.Context(), nil); err != nil {
		t.Fatal(err)
	}
}

// A profile may name a role to assume.
func TestAProfileWithARole(t *testing.T) {
	s := newAWS(t, "AWS_PROFILE=chaos")
	own := s.Credentials()
	t.Setenv("AWS_ACCESS_KEY_ID", "")
	t.Setenv("AWS_SECRET_ACCESS_KEY", "")
	writeProfile(t, "credentials", "[base]\naws_access_key_id = "+own.ID+"\naws_secret_access_key = "+own.Secret+"\n")
	writeProfile(t, "config", "[profile chaos]\nrole_arn = arn:aws:iam::123456789012:role/chaos\nsource_profile = base\n")
	s.Role("chaos", time.Hour)
	d, err := Open(t.Context(), compute.Options{})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := d.List(t.Context(), nil); err != nil {
		t.Fatal(err)
	}

	s.Deny("AssumeRole")
	_, err = Open(t.Context(), compute.Options{})
	wantError(t, err, compute.ErrNotAllowed, "AWS credentials: AccessDenied: User is not authorized to perform this operation; "+remedyAllow)
}
