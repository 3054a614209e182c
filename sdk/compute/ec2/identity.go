package ec2

import (
	"context"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/sts"
)

// Identity is the number of the account that the instances belong to. Where none
// was seen yet STS is asked, which anybody may who has credentials.
func (d *driver) Identity(ctx context.Context) (string, error) {
	if seen := d.account.Load(); seen != nil {
		return *seen, nil
	}
	out, err := call(ctx, d, "GetCallerIdentity", d.api.identify, &sts.GetCallerIdentityInput{})
	if err != nil {
		return "", err
	}
	return aws.ToString(out.Account), nil
}
