package awstest

import (
	"encoding/xml"
	"fmt"
	"net/http"
	"strings"
	"time"
)

// sts is the Security Token Service.
var sts = &service{
	name:      "sts",
	version:   "2011-06-15",
	namespace: "https://sts.amazonaws.com/doc/2011-06-15/",
	actions: map[string]action{
		"GetCallerIdentity":         getCallerIdentity,
		"AssumeRole":                assumeRole,
		"AssumeRoleWithWebIdentity": assumeRoleWithWebIdentity,
	},
	unsigned: map[string]bool{"AssumeRoleWithWebIdentity": true},
	refusals: map[refusal]apiError{
		unsigned:       {http.StatusForbidden, "MissingAuthenticationToken", "Request is missing Authentication Token"},
		malformed:      {http.StatusBadRequest, "IncompleteSignature", "The request signature does not conform to AWS standards."},
		unknownKey:     {http.StatusForbidden, "InvalidClientTokenId", "The security token included in the request is invalid."},
		wrongToken:     {http.StatusForbidden, "InvalidClientTokenId", "The security token included in the request is invalid."},
		wrongScope:     {http.StatusForbidden, "SignatureDoesNotMatch", "Credential should be scoped to a valid region and to the service sts."},
		wrongSignature: {http.StatusForbidden, "SignatureDoesNotMatch", "The request signature we calculated does not match the signature you provided. Check your AWS Secret Access Key and signing method. Consult the service documentation for details."},
		skewed:         {http.StatusForbidden, "SignatureDoesNotMatch", "Signature expired: its date is more than 15 minutes from now."},
		keyExpired:     {http.StatusForbidden, "ExpiredToken", "The security token included in the request is expired"},
	},
	denied: apiError{http.StatusForbidden, "AccessDenied", "User is not authorized to perform this operation."},
	failure: func(e *apiError) any {
		kind := "Sender"
		if e.status >= http.StatusInternalServerError {
			kind = "Receiver"
		}
		return stsFailure{Type: kind, Code: e.code, Message: e.message, RequestID: requestID()}
	},
}

// stsFailure is the document that says an error.
type stsFailure struct {
	XMLName   xml.Name `xml:"https://sts.amazonaws.com/doc/2011-06-15/ ErrorResponse"`
	Type      string   `xml:"Error>Type"`
	Code      string   `xml:"Error>Code"`
	Message   string   `xml:"Error>Message"`
	RequestID string   `xml:"RequestId"`
}

type callerIdentity struct {
	ARN       string `xml:"GetCallerIdentityResult>Arn"`
	User      string `xml:"GetCallerIdentityResult>UserId"`
	Account   string `xml:"GetCallerIdentityResult>Account"`
	RequestID string `xml:"ResponseMetadata>RequestId"`
}

func getCallerIdentity(_ *Server, q *query) (any, *apiError) {
	return callerIdentity{ARN: q.signer.arn, User: q.signer.ID, Account: account, RequestID: requestID()}, nil
}

// assumption is what the answers to both ways of assuming a role have.
type assumption struct {
	ID      string `xml:"Credentials>AccessKeyId"`
	Secret  string `xml:"Credentials>SecretAccessKey"`
	Token   string `xml:"Credentials>SessionToken"`
	Expires string `xml:"Credentials>Expiration"`
	ARN     string `xml:"AssumedRoleUser>Arn"`
	User    string `xml:"AssumedRoleUser>AssumedRoleId"`
}

type assumedRole struct {
	Result    assumption `xml:"AssumeRoleResult"`
	RequestID string     `xml:"ResponseMetadata>RequestId"`
}

func assumeRole(s *Server, q *query) (any, *apiError) {
	r := s.role(q.get("RoleArn"))
	if r == nil {
		return nil, fail(http.StatusForbidden, "AccessDenied", fmt.Sprintf(
			"User: %s is not authorized to perform: sts:AssumeRole on resource: %s", q.signer.arn, q.get("RoleArn")))
	}
	result, refused := s.assume(r, q)
	return assumedRole{Result: result, RequestID: requestID()}, refused
}

type assumedRoleWithWebIdentity struct {
	Result    assumption `xml:"AssumeRoleWithWebIdentityResult"`
	RequestID string     `xml:"ResponseMetadata>RequestId"`
}

// assumeRoleWithWebIdentity is the one action that is not signed: the token is
// what proves who asks.
func assumeRoleWithWebIdentity(s *Server, q *query) (any, *apiError) {
	r := s.role(q.get("RoleArn"))
	switch {
	case r == nil:
		return nil, fail(http.StatusForbidden, "AccessDenied",
			"Not authorized to perform sts:AssumeRoleWithWebIdentity")
	case !r.tokens[q.get("WebIdentityToken")]:
		return nil, fail(http.StatusBadRequest, "InvalidIdentityToken",
			"The ID Token provided is not a valid JWT. (You may see this error if you sent an Access Token)")
	}
	result, refused := s.assume(r, q)
	return assumedRoleWithWebIdentity{Result: result, RequestID: requestID()}, refused
}

// assume issues credentials for a session with the role.
func (s *Server) assume(r *role, q *query) (assumption, *apiError) {
	session := q.get("RoleSessionName")
	if len(session) < 2 || strings.ContainsAny(session, " /") {
		return assumption{}, fail(http.StatusBadRequest, "ValidationError",
			"1 validation error detected: Value at 'roleSessionName' failed to satisfy constraint")
	}
	k := s.keys.issue(r.session(session), time.Now().Add(r.valid))
	return assumption{
		ID: k.ID, Secret: k.Secret, Token: k.Token, Expires: k.expires.UTC().Format(time.RFC3339),
		ARN: k.arn, User: "AROA" + r.name + ":" + session,
	}, nil
}
