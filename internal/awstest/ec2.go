package awstest

import (
	"encoding/xml"
	"net/http"
)

// ec2 is EC2, as far as attacks need it and tests of them.
var ec2 = &service{
	name:      "ec2",
	version:   "2016-11-15",
	namespace: "http://ec2.amazonaws.com/doc/2016-11-15/",
	actions: map[string]action{
		"DescribeInstances":  describeInstances,
		"StartInstances":     change(start),
		"StopInstances":      change(stop),
		"TerminateInstances": terminateInstances,
		"RebootInstances":    rebootInstances,
		"RunInstances":       runInstances,
		"CreateTags":         createTags,
	},
	refusals: map[refusal]apiError{
		unsigned:       {http.StatusForbidden, "MissingAuthenticationToken", "Request is missing Authentication Token"},
		malformed:      {http.StatusBadRequest, "IncompleteSignature", "The request signature does not conform to AWS standards."},
		unknownKey:     {http.StatusUnauthorized, "AuthFailure", "AWS was not able to validate the provided access credentials"},
		wrongToken:     {http.StatusUnauthorized, "AuthFailure", "AWS was not able to validate the provided access credentials"},
		wrongScope:     {http.StatusForbidden, "SignatureDoesNotMatch", "Credential should be scoped to a valid region and to the service ec2."},
		wrongSignature: {http.StatusForbidden, "SignatureDoesNotMatch", "The request signature we calculated does not match the signature you provided. Check your AWS Secret Access Key and signing method. Consult the service documentation for details."},
		skewed:         {http.StatusBadRequest, "RequestExpired", "Request has expired."},
		keyExpired:     {http.StatusBadRequest, "RequestExpired", "Request has expired."},
	},
	denied:  apiError{http.StatusForbidden, "UnauthorizedOperation", "You are not authorized to perform this operation."},
	failure: func(e *apiError) any { return ec2Failure{Code: e.code, Message: e.message, RequestID: requestID()} },
}

// ec2Failure is the document that says an error. It has no namespace.
type ec2Failure struct {
	XMLName   xml.Name `xml:"Response"`
	Code      string   `xml:"Errors>Error>Code"`
	Message   string   `xml:"Errors>Error>Message"`
	RequestID string   `xml:"RequestID"`
}

// dryRun is the error with which a dry run that may be done ends, nil if the
// request is none.
func dryRun(q *query) *apiError {
	if !q.flag("DryRun") {
		return nil
	}
	return fail(http.StatusPreconditionFailed, "DryRunOperation",
		"Request would have succeeded, but DryRun flag is set.")
}

// numbered is what all answers of EC2 have.
type numbered struct {
	RequestID string `xml:"requestId"`
}

func newNumber() numbered { return numbered{requestID()} }

// done is an answer that says nothing but that it was done.
type done struct {
	numbered
	Return bool `xml:"return"`
}
