package awstest

import (
	"io"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/feature/ec2/imds"
	awsec2 "github.com/aws/aws-sdk-go-v2/service/ec2"
)

func TestMetadata(t *testing.T) {
	s := open(t)
	s.Add(Instance{ID: "i-0000000a", Region: "us-west-2", Type: "t3.nano"})
	s.Add(Instance{ID: "i-0000000b"})
	c := imds.New(imds.Options{Endpoint: s.MetadataURL(), HTTPClient: isolated(t)})
	region, err := c.GetRegion(within(t), &imds.GetRegionInput{})
	if err != nil || region.Region != "us-west-2" {
		t.Errorf("got %v, %v", region, err)
	}
	who, err := c.GetInstanceIdentityDocument(within(t), &imds.GetInstanceIdentityDocumentInput{})
	if err != nil || who.InstanceID != "i-0000000a" || who.AvailabilityZone != "us-west-2a" || who.AccountID != account {
		t.Errorf("got %+v, %v", who, err)
	}
	for path, want := range map[string]string{
		"instance-id": "i-0000000a", "placement/region": "us-west-2", "placement/availability-zone": "us-west-2a",
	} {
		out, err := c.GetMetadata(within(t), &imds.GetMetadataInput{Path: path})
		if err != nil {
			t.Fatal(err)
		}
		if text, err := io.ReadAll(out.Content); err != nil || string(text) != want {
			t.Errorf("%s: got %s, %v", path, text, err)
		}
	}
	if _, err := c.GetMetadata(within(t), &imds.GetMetadataInput{Path: "iam/security-credentials/"}); err == nil || !strings.Contains(err.Error(), "404") {
		t.Errorf("no role: got %v", err)
	}
}

func TestMetadataIsToldToSessionsOnly(t *testing.T) {
	s := open(t)
	ask := func(method, path string, header ...string) (int, string) {
		t.Helper()
		req, err := http.NewRequestWithContext(within(t), method, s.MetadataURL()+path, nil)
		if err != nil {
			t.Fatal(err)
		}
		for i := 0; i < len(header); i += 2 {
			req.Header.Set(header[i], header[i+1])
		}
		return send(t, req)
	}
	const token, id = "/latest/api/token", "/latest/meta-data/instance-id"
	_, good := ask(http.MethodPut, token, sessionTTL, "60")
	_, stale := ask(http.MethodPut, token, sessionTTL, "60")
	s.mu.Lock()
	s.sessions[stale] = time.Now()
	s.mu.Unlock()
	for _, tt := range []struct {
		name   string
		method string
		path   string
		header []string
		want   int
	}{
		{"no lifetime", http.MethodPut, token, nil, http.StatusBadRequest},
		{"no time at all", http.MethodPut, token, []string{sessionTTL, "0"}, http.StatusBadRequest},
		{"too long", http.MethodPut, token, []string{sessionTTL, "21601"}, http.StatusBadRequest},
		{"through a proxy", http.MethodPut, token, []string{sessionTTL, "60", "X-Forwarded-For", "10.0.0.1"}, http.StatusForbidden},
		{"no token", http.MethodGet, id, nil, http.StatusUnauthorized},
		{"an invented token", http.MethodGet, id, []string{sessionField, "x"}, http.StatusUnauthorized},
		{"a token that is over", http.MethodGet, id, []string{sessionField, stale}, http.StatusUnauthorized},
		{"a good token", http.MethodGet, id, []string{sessionField, good}, http.StatusOK},
		{"nothing there", http.MethodGet, id + "s", []string{sessionField, good}, http.StatusNotFound},
		{"another method", http.MethodPost, id, []string{sessionField, good}, http.StatusMethodNotAllowed},
	} {
		if status, body := ask(tt.method, tt.path, tt.header...); status != tt.want {
			t.Errorf("%s: got %d %s, want %d", tt.name, status, body, tt.want)
		}
	}
	if calls := s.Calls(); calls[2].Action != "PUT "+token || calls[2].Code != "400" {
		t.Errorf("got %+v", calls[2])
	}
}

func TestAnInstancesRole(t *testing.T) {
	s := open(t)
	s.Role("chaos", time.Hour)
	use := func() ([]string, error) {
		c := configured(t, "AWS_ENDPOINT_URL="+s.URL(), "AWS_REGION=eu-west-1",
			"AWS_EC2_METADATA_SERVICE_ENDPOINT="+s.MetadataURL())
		return list(t, awsec2.NewFromConfig(c, func(o *awsec2.Options) { o.RetryMaxAttempts = 1 }))
	}
	if _, err := use(); err != nil {
		t.Fatal(err)
	}
	first := lastKey(s)
	if _, err := use(); err != nil || lastKey(s) != first {
		t.Errorf("the credentials changed from %s to %s: %v", first, lastKey(s), err)
	}
	s.Role("chaos", -time.Minute)
	if _, err := use(); err == nil {
		t.Error("expired credentials are accepted")
	}
	if key := lastKey(s); key == first {
		t.Errorf("still %s", key)
	}
}

// lastKey is the key of the last request to EC2.
func lastKey(s *Server) string {
	key := ""
	for _, call := range s.Calls() {
		if call.Action == "DescribeInstances" {
			key = call.Key
		}
	}
	return key
}
