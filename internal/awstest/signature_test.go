package awstest

import (
	"context"
	"io"
	"net/http"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	v4 "github.com/aws/aws-sdk-go-v2/aws/signer/v4"
)

// signed is a request that AWS's own signer signs; the fields say how.
type signed struct {
	credentials Credentials
	service     string
	region      string
	at          time.Time
	form        string
	change      func(*http.Request) // after it was signed
}

func (r signed) send(t *testing.T, s *Server) (status int, body string) {
	t.Helper()
	req, err := http.NewRequestWithContext(within(t), http.MethodPost, s.URL()+"/", strings.NewReader(r.form))
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("Content-Type", "application/x-www-form-urlencoded; charset=utf-8")
	c := aws.Credentials{AccessKeyID: r.credentials.ID, SecretAccessKey: r.credentials.Secret, SessionToken: r.credentials.Token}
	if err := v4.NewSigner().SignHTTP(context.Background(), c, req, digest([]byte(r.form)), r.service, r.region, r.at); err != nil {
		t.Fatal(err)
	}
	if r.change != nil {
		r.change(req)
	}
	return send(t, req)
}

func send(t *testing.T, req *http.Request) (status int, body string) {
	t.Helper()
	resp, err := isolated(t).Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	text, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	return resp.StatusCode, string(text)
}

const (
	describe = "Action=DescribeInstances&Version=2016-11-15"
	identity = "Action=GetCallerIdentity&Version=2011-06-15"
)

func TestOnlyRightSignaturesAreLetIn(t *testing.T) {
	s := open(t)
	s.Role("chaos", time.Hour)
	s.Role("old", -time.Minute)
	own := s.Credentials()
	issue := func(name string) Credentials {
		s.mu.Lock()
		defer s.mu.Unlock()
		return s.keys.issue("arn", time.Now().Add(s.role(name).valid)).Credentials
	}
	temporary, expired := issue("chaos"), issue("old")
	tests := []struct {
		name   string
		mutate func(*signed)
		ec2    string // "" : let in
		sts    string
	}{
		{"as it should be", func(*signed) {}, "", ""},
		{"temporary credentials", func(r *signed) { r.credentials = temporary }, "", ""},
		{"14 minutes late", func(r *signed) { r.at = r.at.Add(-14 * time.Minute) }, "", ""},
		{"a key of nobody", func(r *signed) { r.credentials.ID = "AKIAIOSFODNN7EXAMPLE" }, "401 AuthFailure", "403 InvalidClientTokenId"},
		{"another's secret", func(r *signed) { r.credentials.Secret = temporary.Secret }, "403 SignatureDoesNotMatch", "403 SignatureDoesNotMatch"},
		{"no token", func(r *signed) { r.credentials, r.credentials.Token = temporary, "" }, "401 AuthFailure", "403 InvalidClientTokenId"},
		{"another's token", func(r *signed) { r.credentials, r.credentials.Token = temporary, expired.Token }, "401 AuthFailure", "403 InvalidClientTokenId"},
		{"a token that the key doesn't have", func(r *signed) { r.credentials.Token = "x" }, "401 AuthFailure", "403 InvalidClientTokenId"},
		{"expired credentials", func(r *signed) { r.credentials = expired }, "400 RequestExpired", "403 ExpiredToken"},
		{"16 minutes late", func(r *signed) { r.at = r.at.Add(-16 * time.Minute) }, "400 RequestExpired", "403 SignatureDoesNotMatch"},
		{"16 minutes early", func(r *signed) { r.at = r.at.Add(16 * time.Minute) }, "400 RequestExpired", "403 SignatureDoesNotMatch"},
		{"for another service", func(r *signed) { r.service = "s3" }, "403 SignatureDoesNotMatch", "403 SignatureDoesNotMatch"},
		{"for no region", func(r *signed) { r.region = "mars" }, "403 SignatureDoesNotMatch", "403 SignatureDoesNotMatch"},
		{"another body", func(r *signed) {
			r.change = func(req *http.Request) {
				body := strings.Replace(r.form, "Version", "DryRun=false&Version", 1)
				req.Body, req.ContentLength = io.NopCloser(strings.NewReader(body)), int64(len(body))
			}
		}, "403 SignatureDoesNotMatch", "403 SignatureDoesNotMatch"},
		{"another host", func(r *signed) {
			r.change = func(req *http.Request) { req.Host = "ec2.eu-west-1.amazonaws.com" }
		}, "403 SignatureDoesNotMatch", "403 SignatureDoesNotMatch"},
		{"a query that was not signed", func(r *signed) {
			r.change = func(req *http.Request) { req.URL.RawQuery = "a=b" }
		}, "403 SignatureDoesNotMatch", "403 SignatureDoesNotMatch"},
		{"no header", func(r *signed) {
			r.change = func(req *http.Request) { req.Header.Del("Authorization") }
		}, "403 MissingAuthenticationToken", "403 MissingAuthenticationToken"},
		{"a header of another kind", func(r *signed) {
			r.change = func(req *http.Request) { req.SetBasicAuth("a", "b") }
		}, "400 IncompleteSignature", "400 IncompleteSignature"},
		{"no date", func(r *signed) {
			r.change = func(req *http.Request) { req.Header.Del("X-Amz-Date") }
		}, "400 IncompleteSignature", "400 IncompleteSignature"},
		{"a header of Amazon's that was not signed", func(r *signed) {
			r.change = func(req *http.Request) { req.Header.Set("X-Amz-Security-Token", "x") }
		}, "400 IncompleteSignature", "400 IncompleteSignature"},
		{"a host that was not signed", func(r *signed) {
			r.change = func(req *http.Request) {
				a := req.Header.Get("Authorization")
				req.Header.Set("Authorization", strings.Replace(a, ";host", "", 1))
			}
		}, "400 IncompleteSignature", "400 IncompleteSignature"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			for _, kind := range []struct{ service, form, want string }{{"ec2", describe, tt.ec2}, {"sts", identity, tt.sts}} {
				r := signed{credentials: own, service: kind.service, region: "eu-west-1", at: time.Now(), form: kind.form}
				tt.mutate(&r)
				status, body := r.send(t, s)
				got := s.Calls()[len(s.Calls())-1].Code
				if kind.want == "" && (status != http.StatusOK || got != "") {
					t.Errorf("%s: got %d %s, want it to be let in: %s", kind.service, status, got, body)
				}
				wantStatus, wantCode, refused := strings.Cut(kind.want, " ")
				if refused && (wantStatus != strconv.Itoa(status) ||
					got != wantCode || !strings.Contains(body, "<Code>"+wantCode+"</Code>")) {
					t.Errorf("%s: got %d %s, want %s: %s", kind.service, status, got, kind.want, body)
				}
			}
		})
	}
}

func TestRequestsThatAreNone(t *testing.T) {
	s := open(t)
	r := signed{credentials: s.Credentials(), service: "ec2", region: "eu-west-1", at: time.Now()}
	for form, want := range map[string]string{
		"Version=2016-11-15":                          "MissingAction",
		"Action=DescribeInstances&Version=2014-10-01": "NoSuchVersion",
		"Action=DescribeInstances":                    "NoSuchVersion",
		"Action=LaunchRockets&Version=2016-11-15":     "InvalidAction",
		"%%%": "MissingAction",
	} {
		r.form = form
		if status, body := r.send(t, s); status != http.StatusBadRequest || !strings.Contains(body, "<Code>"+want+"</Code>") {
			t.Errorf("%s: got %d %s, want %s", form, status, body, want)
		}
	}
	r.form, r.change = describe, func(req *http.Request) { req.URL.Path = "/x" }
	if status, _ := r.send(t, s); status != http.StatusNotFound {
		t.Errorf("another path: got %d, want 404", status)
	}
}

func TestAGetIsARequestToo(t *testing.T) {
	s := open(t)
	s.Add(Instance{ID: "i-00000001"})
	url := s.URL() + "/?" + describe + "&Filter.1.Name=tag-key&Filter.1.Value.1=a%20b%2B%2A"
	req, err := http.NewRequestWithContext(within(t), http.MethodGet, url, nil)
	if err != nil {
		t.Fatal(err)
	}
	own := s.Credentials()
	c := aws.Credentials{AccessKeyID: own.ID, SecretAccessKey: own.Secret}
	if err := v4.NewSigner().SignHTTP(context.Background(), c, req, digest(nil), "ec2", "eu-west-1", time.Now()); err != nil {
		t.Fatal(err)
	}
	status, body := send(t, req)
	if status != http.StatusOK || strings.Contains(body, "i-00000001") {
		t.Errorf("got %d %s, want no instance", status, body)
	}
	if call := s.Calls()[0]; call.Params["Filter.1.Value.1"] != "a b+*" || call.Region != "eu-west-1" || call.Key != own.ID {
		t.Errorf("got call %+v", call)
	}
}
