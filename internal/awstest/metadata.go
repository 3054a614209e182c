package awstest

import (
	"encoding/json"
	"io"
	"net/http"
	"strconv"
	"strings"
	"time"
)

// This file is the instance metadata service, version 2 only: nothing is told
// without a session's token. It runs on the instance that was added first; on
// one of its own in eu-west-1 while there is none.

const (
	sessionField   = "X-Aws-Ec2-Metadata-Token"
	sessionTTL     = "X-Aws-Ec2-Metadata-Token-Ttl-Seconds"
	longestSession = 6 * 60 * 60 // seconds
	roles          = "/latest/meta-data/iam/security-credentials/"
)

// serveMetadata answers a request, and notes it.
func (s *Server) serveMetadata(w http.ResponseWriter, r *http.Request) {
	call := s.record(Call{Action: r.Method + " " + r.URL.Path})
	status, text := s.tell(w.Header(), r, time.Now())
	w.Header().Set("Content-Type", "text/plain")
	if status != http.StatusOK {
		s.ended(call, strconv.Itoa(status))
	}
	w.WriteHeader(status)
	_, _ = io.WriteString(w, text) // the client may be gone
}

// tell returns what the service says.
func (s *Server) tell(header http.Header, r *http.Request, now time.Time) (status int, text string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	switch {
	case r.Header.Get("X-Forwarded-For") != "": // it came through a proxy
		return http.StatusForbidden, "403 - Forbidden"
	case r.URL.Path == "/latest/api/token" && r.Method == http.MethodPut:
		return s.openSession(header, r.Header.Get(sessionTTL), now)
	case r.Method != http.MethodGet:
		return http.StatusMethodNotAllowed, "405 - Method Not Allowed"
	case !now.Before(s.sessions[r.Header.Get(sessionField)]):
		return http.StatusUnauthorized, "401 - Unauthorized"
	}
	if text, ok := s.fact(r.URL.Path, now); ok {
		return http.StatusOK, text
	}
	return http.StatusNotFound, "404 - Not Found"
}

// openSession makes a token that is good for ttl seconds.
func (s *Server) openSession(header http.Header, ttl string, now time.Time) (status int, text string) {
	seconds, err := strconv.Atoi(ttl)
	if err != nil || seconds < 1 || seconds > longestSession {
		return http.StatusBadRequest, "400 - Bad Request"
	}
	token := random(56)
	s.sessions[token] = now.Add(time.Duration(seconds) * time.Second)
	header.Set(sessionTTL, ttl)
	return http.StatusOK, token
}

// fact returns what is at a path.
func (s *Server) fact(path string, now time.Time) (text string, ok bool) {
	here := s.here()
	switch path {
	case "/latest/meta-data/instance-id":
		return here.ID, true
	case "/latest/meta-data/placement/region":
		return here.Region, true
	case "/latest/meta-data/placement/availability-zone":
		return here.Zone, true
	case "/latest/dynamic/instance-identity/document":
		return document(map[string]string{
			"accountId": account, "architecture": "x86_64", "availabilityZone": here.Zone,
			"imageId": here.Image, "instanceId": here.ID, "instanceType": here.Type,
			"pendingTime": here.Launched.Format(time.RFC3339), "privateIp": here.PrivateIP,
			"region": here.Region, "version": "2017-09-30",
		}), true
	case roles, strings.TrimSuffix(roles, "/"):
		var names []string
		for _, r := range s.roles {
			names = append(names, r.name)
		}
		return strings.Join(names, "\n"), len(names) > 0
	}
	if name, found := strings.CutPrefix(path, roles); found && s.role(name) != nil {
		return document(s.roleDocument(s.role(name), now)), true
	}
	return "", false
}

// here is the instance on which the service is.
func (s *Server) here() Instance {
	for _, i := range s.instances {
		if i.number == 1 {
			return i.Instance
		}
	}
	return Instance{ID: madeUp("i", 0), Region: "eu-west-1", Zone: "eu-west-1a", Type: "m1.small", Image: madeUp("ami", 0)}
}

// roleDocument has the role's credentials: the same until they expire.
func (s *Server) roleDocument(r *role, now time.Time) map[string]string {
	if r.issued.ID == "" || r.issued.expired(now) {
		r.issued = s.keys.issue(r.session(s.here().ID), now.Add(r.valid))
	}
	return map[string]string{
		"Code": "Success", "Type": "AWS-HMAC", "LastUpdated": now.UTC().Format(time.RFC3339),
		"AccessKeyId": r.issued.ID, "SecretAccessKey": r.issued.Secret, "Token": r.issued.Token,
		"Expiration": r.issued.expires.UTC().Format(time.RFC3339),
	}
}

func document(fields map[string]string) string {
	text, err := json.MarshalIndent(fields, "", "  ")
	if err != nil {
		panic("awstest: " + err.Error()) // texts can be encoded
	}
	return string(text)
}
