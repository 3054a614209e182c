package ec2

import (
	"context"
	"errors"
	"fmt"
	"regexp"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/config"
	"github.com/aws/aws-sdk-go-v2/credentials/ec2rolecreds"
	"github.com/aws/aws-sdk-go-v2/credentials/processcreds"
	"github.com/aws/aws-sdk-go-v2/feature/ec2/imds"
	"github.com/aws/smithy-go"

	"github.com/chaos-monkey-engine/cmed/sdk/compute"
)

// refreshAhead is how long before their end credentials of a role are fetched
// anew. The metadata service has new ones five minutes before.
const refreshAhead = 5 * time.Minute

// roleName is the form IAM gives the name of a role.
var roleName = regexp.MustCompile(`^[\w+=,.@-]{1,64}$`)

// credentialSource says where credentials come from: the SDK's chain, with the
// instance metadata asked in bounded time, or the role named in AWS_IAM_ROLE.
func credentialSource(role string, m metadata) (config.LoadOptionsFunc, error) {
	switch {
	case role == "":
		return config.WithEC2RoleCredentialOptions(func(o *ec2rolecreds.Options) { o.Client = m }), nil
	case strings.HasPrefix(role, "arn:"):
		return nil, badRole(role, "is an ARN, not a name",
			"give the name of the role that the instance has; to assume another role, set AWS_PROFILE to a profile with role_arn instead")
	case !roleName.MatchString(role):
		return nil, badRole(role, "is not the name of a role", "give the name of the role that the instance has, without a path")
	}
	provider := ec2rolecreds.New(func(o *ec2rolecreds.Options) { o.Client = namedRole{m, role} })
	return config.WithCredentialsProvider(aws.NewCredentialsCache(provider, func(o *aws.CredentialsCacheOptions) {
		o.ExpiryWindow = refreshAhead
	})), nil
}

func badRole(role, what, remedy string) error {
	return &compute.Error{
		Kind: compute.ErrUnconfigured, Operation: "AWS credentials",
		Message: fmt.Sprintf("AWS_IAM_ROLE: %.120q %s", role, what), Remedy: remedy,
	}
}

// signer returns the credentials that the next request is signed with. They are
// asked for before each call, so that an error of their source isn't taken for
// one of EC2.
func (d *driver) signer(ctx context.Context) (aws.Credentials, error) {
	bound := compute.Allowance(ctx, d.bounds.credentials)
	bounded, cancel := context.WithTimeout(ctx, bound)
	defer cancel()
	credentials, err := d.credentials.Retrieve(bounded)
	switch {
	case err == nil:
		return credentials, nil
	case ctx.Err() != nil:
		return credentials, &compute.Error{
			Operation: "AWS credentials", Message: "ended before there were any: " + context.Cause(ctx).Error(), Err: context.Cause(ctx),
		}
	case bounded.Err() != nil:
		return credentials, &compute.Error{
			Kind: compute.ErrUnreachable, Operation: "AWS credentials", Err: err,
			Message: fmt.Sprintf("their source gave none within %s", bound),
			Remedy:  "check what AWS_PROFILE and the other AWS_ variables make the SDK ask",
		}
	}
	return credentials, noCredentials(err)
}

// noCredentials says why there are none.
func noCredentials(err error) error {
	e := &compute.Error{
		Kind: compute.ErrUnconfigured, Operation: "AWS credentials", Err: err,
		Message: strings.TrimPrefix(oneLine(err.Error()), "failed to refresh cached credentials, "),
		Remedy:  "check AWS_PROFILE, the other AWS_ variables and the files in ~/.aws; the daemon must pass them and HOME on to the attack (--plugin-env)",
	}
	var (
		missing *missingRoleError
		failed  *smithy.OperationError
		refused smithy.APIError
		process *processcreds.ProviderError
	)
	switch {
	case errors.As(err, &process) && strings.Contains(process.Error(), "process output"):
		// The SDK's text has all that the program said, the secret key included.
		e.Message = "what the credential_process of the profile says can't be used as credentials"
		e.Err = nil
		e.Remedy = `it must say {"Version": 1, "AccessKeyId": "...", "SecretAccessKey": "..."} and nothing else`
	case errors.As(err, &missing):
		e.Message = missing.Error()
		e.Remedy = "AWS_IAM_ROLE is the name of the role of the instance the daemon runs on; unset it where there is no such role"
	case errors.As(err, &failed) && failed.ServiceID == imds.ServiceID:
		e.Message = "none found: not in the environment, not in a profile, and no role of an instance (" + reason(failed.Err) + ")"
		e.Remedy = "set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, or AWS_PROFILE, " + passedOn
	case errors.As(err, &refused):
		e.Code, e.Message = refused.ErrorCode(), oneLine(refused.ErrorMessage())
		if known := explain(e.Code); known.kind != nil {
			e.Kind, e.Remedy = known.kind, known.remedy
		}
	}
	return e
}
