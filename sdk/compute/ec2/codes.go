package ec2

import (
	"strings"

	"github.com/chaos-monkey-engine/cmed/sdk/compute"
)

// What to do, where several codes ask for the same.
const (
	remedyUnreachable = "check the network, the proxy settings, the region and, if it is set, AWS_ENDPOINT_URL"
	remedyForeign     = "check AWS_ENDPOINT_URL and the proxy settings: something other than EC2 seems to answer"
	remedyKeys        = "check AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY (or the profile), the clock of this machine, and that the region is enabled for the account"
	remedyExpired     = "the credentials are too old: renew AWS_SESSION_TOKEN or the profile's session, or use a profile or role that renews them by itself"
	remedyAllow       = "allow this action to the user or role whose credentials these are, in its IAM policy"
	remedyThrottled   = "run it later, or let it try longer with AWS_MAX_ATTEMPTS"
	remedyFilter      = "see DescribeInstances in the EC2 API reference for the filters there are"
	remedyState       = "wait until the instance has settled, or choose others with the filter instance-state-name"
	remedyCapacity    = "try again later, or choose instances of another type or zone"
	remedyLater       = "EC2 has a problem of its own: try again later"
)

// explanation is what a code of EC2 means to us.
type explanation struct {
	kind   error
	remedy string
}

// codes are those that EC2 and STS answer with, by what has to be done. A code
// that isn't here keeps EC2's own words. See "Error codes for the Amazon EC2
// API" in its developer guide.
var codes = map[string]explanation{
	"AuthFailure":                 {compute.ErrNotAllowed, remedyKeys},
	"IncompleteSignature":         {compute.ErrNotAllowed, remedyKeys},
	"InvalidAccessKeyId":          {compute.ErrNotAllowed, remedyKeys},
	"InvalidClientTokenId":        {compute.ErrNotAllowed, remedyKeys},
	"InvalidSecurity":             {compute.ErrNotAllowed, remedyKeys},
	"MissingAuthenticationToken":  {compute.ErrNotAllowed, remedyKeys},
	"SignatureDoesNotMatch":       {compute.ErrNotAllowed, remedyKeys},
	"UnrecognizedClientException": {compute.ErrNotAllowed, remedyKeys},

	"ExpiredToken":          {compute.ErrNotAllowed, remedyExpired},
	"ExpiredTokenException": {compute.ErrNotAllowed, remedyExpired},
	"RequestExpired":        {compute.ErrNotAllowed, "the credentials are too old, or the clock of this machine is wrong: renew them, or set the clock"},

	"AccessDenied":          {compute.ErrNotAllowed, remedyAllow},
	"AccessDeniedException": {compute.ErrNotAllowed, remedyAllow},
	"UnauthorizedOperation": {compute.ErrNotAllowed, remedyAllow},
	"OptInRequired":         {compute.ErrNotAllowed, "enable EC2 and this region for the account"},
	"Blocked":               {compute.ErrNotAllowed, "the account is blocked: ask AWS Support"},
	"PendingVerification":   {compute.ErrNotAllowed, "AWS is still verifying the account: try again later"},
	"OperationNotPermitted": {compute.ErrNotAllowed, "the instance is protected: turn off its termination or stop protection, or exclude it; those in other zones may have been hit"},

	"BandwidthLimitExceeded": {compute.ErrThrottled, remedyThrottled},
	"EC2ThrottledException":  {compute.ErrThrottled, remedyThrottled},
	"RequestLimitExceeded":   {compute.ErrThrottled, remedyThrottled},
	"SlowDown":               {compute.ErrThrottled, remedyThrottled},

	"FilterLimitExceeded": {compute.ErrBadFilter, remedyTooMany},
	"InvalidFilter":       {compute.ErrBadFilter, remedyFilter},

	"IncorrectInstanceState": {compute.ErrBadState, remedyState},
	"IncorrectState":         {compute.ErrBadState, remedyState},
	"UnsupportedOperation":   {compute.ErrBadState, "not every instance can do this: one without an EBS root volume can't be stopped, nor can some spot instances; exclude them"},

	"InsufficientHostCapacity":     {nil, remedyCapacity},
	"InsufficientInstanceCapacity": {nil, remedyCapacity},
	"InstanceLimitExceeded":        {nil, "ask AWS for a higher limit, or end instances that aren't needed"},
	"VcpuLimitExceeded":            {nil, "ask AWS for a higher limit, or end instances that aren't needed"},
	"InvalidAction":                {nil, "this endpoint doesn't know the action; check AWS_ENDPOINT_URL"},

	"InternalError":      {compute.ErrUnreachable, remedyLater},
	"InternalFailure":    {compute.ErrUnreachable, remedyLater},
	"ServiceUnavailable": {compute.ErrUnreachable, remedyLater},
	"Unavailable":        {compute.ErrUnreachable, remedyLater},
}

// families are codes with many members.
var families = map[string]explanation{
	"AuthFailure.":      {compute.ErrNotAllowed, remedyAllow},
	"InvalidInstanceID": {compute.ErrNotFound, "check the ids and the region: an instance is known in its own region only, and for about an hour after its end"},
	"RequestThrottled":  {compute.ErrThrottled, remedyThrottled},
	"Throttl":           {compute.ErrThrottled, remedyThrottled},
}

// explain looks a code up.
func explain(code string) explanation {
	if known, ok := codes[code]; ok {
		return known
	}
	for family, known := range families {
		if strings.HasPrefix(code, family) {
			return known
		}
	}
	return explanation{}
}
