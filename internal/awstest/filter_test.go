package awstest

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"time"
)

func TestFilters(t *testing.T) {
	s := open(t)
	s.Add(Instance{
		ID: "i-0000000a", Zone: "eu-west-1a", Type: "t3.micro", PrivateIP: "10.0.0.1", PublicIP: "203.0.113.1",
		Tags:     map[string]string{"Name": "web-1", "Domain": "shop", "a*b": "c"},
		Launched: time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC),
	})
	s.Add(Instance{ID: "i-0000000b", Zone: "eu-west-1b", Type: "t3.large", Tags: map[string]string{"Name": "web-2"}})
	s.Add(Instance{ID: "i-0000000c", Zone: "eu-west-1b", State: "stopped", PublicIP: "203.0.113.3", Tags: map[string]string{"Name": "db*"}})
	s.Add(Instance{ID: "i-0000000d", Region: "us-east-1", Tags: map[string]string{"Name": "web-3"}})
	s.Add(Instance{ID: "i-0000000e", State: "terminated", PrivateIP: "10.0.0.5"})
	c := client(t, s, s.Credentials())

	tests := []struct {
		name    string
		filters []string
		want    string // last letters of the ids
	}{
		{"none: all of the region, whatever their state", nil, "a b c e"},
		{"a value", []string{"instance-id", "i-0000000b"}, "b"},
		{"values are alternatives", []string{"instance-id", "i-0000000b,i-0000000a,i-0000000d"}, "a b"},
		{"names must all match", []string{"tag:Name", "web-*", "availability-zone", "eu-west-1b"}, "b"},
		{"the same name twice must match twice", []string{"tag:Name", "web-*", "tag:Name", "*2"}, "b"},
		{"the state", []string{"instance-state-name", "running,stopped"}, "a b c"},
		{"the state's code", []string{"instance-state-code", "80"}, "c"},
		{"the type", []string{"instance-type", "t3.*"}, "a b"},
		{"a tag's value", []string{"tag:Domain", "shop"}, "a"},
		{"a tag that nobody has", []string{"tag:domain", "shop"}, ""},
		{"a tag with any value", []string{"tag-key", "Domain"}, "a"},
		{"a tag like this", []string{"tag-key", "D*"}, "a"},
		{"a wildcard in a tag's name is none", []string{"tag:D*", "shop"}, ""},
		{"a star in a tag's name", []string{"tag:a*b", "c"}, "a"},
		{"one character", []string{"tag:Name", "web-?"}, "a b"},
		{"one character is not none", []string{"tag:Name", "web-1?"}, ""},
		{"any text is none too", []string{"tag:Name", "web-1*"}, "a"},
		{"an escaped star", []string{"tag:Name", `db\*`}, "c"},
		{"an escaped star is only that", []string{"tag:Name", `web\*`}, ""},
		{"what a pattern says elsewhere is text here", []string{"tag:Name", "web.1"}, ""},
		{"case counts", []string{"tag:Name", "WEB-1"}, ""},
		{"the private address", []string{"private-ip-address", "10.0.0.1"}, "a"},
		{"a public address is that of one that runs", []string{"ip-address", "203.0.113.*"}, "a"},
		{"a terminated instance has no address", []string{"private-ip-address", "10.0.0.5"}, ""},
		{"the name of an address", []string{"dns-name", "ec2-203-0-113-1.*"}, "a"},
		{"the time of the launch", []string{"launch-time", "2026-01-02T*"}, "a"},
		{"the network", []string{"vpc-id", "vpc-*", "subnet-id", "subnet-*", "image-id", "ami-*"}, "a b c"},
		{"known, but nobody has it", []string{"platform", "*"}, ""},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			got, err := list(t, c, tt.filters...)
			if err != nil {
				t.Fatal(err)
			}
			slices.Sort(got)
			var letters []string
			for _, id := range got {
				letters = append(letters, id[len(id)-1:])
			}
			if text := strings.Join(letters, " "); text != tt.want {
				t.Errorf("got %q, want %q", text, tt.want)
			}
		})
	}
}

func TestFiltersThatAreRefused(t *testing.T) {
	s := open(t)
	c := client(t, s, s.Credentials())
	var many []string
	for n := range 201 {
		many = append(many, fmt.Sprintf("i-%08x", n))
	}
	for _, tt := range []struct{ name, value, code, message string }{
		{"instance-colour", "red", "InvalidParameterValue", "The filter 'instance-colour' is invalid"},
		{"tag:", "red", "InvalidParameterValue", "The filter 'tag:' is invalid"},
		{"Instance-Id", "i-00000001", "InvalidParameterValue", "The filter 'Instance-Id' is invalid"},
		{"instance-id", strings.Join(many, ","), "FilterLimitExceeded", "200"},
	} {
		_, err := list(t, c, tt.name, tt.value)
		wantError(t, err, tt.code, tt.message)
	}
}

func TestAnyTextIsAPattern(t *testing.T) {
	// Not a fuzz target: that would compile all of the SDK anew, instrumented.
	r := rand.New(rand.NewPCG(1, 2))
	alphabet := []rune(`ab-.*?\()[]{}^$|+é` + "\n")
	text := func() string {
		var made strings.Builder
		for range r.IntN(6) {
			made.WriteRune(alphabet[r.IntN(len(alphabet))])
		}
		return made.String()
	}
	for range 20000 {
		value, other := text(), text()
		pattern := wildcards(value)
		if strings.ContainsAny(value, `*?\`) {
			continue
		}
		if !pattern.MatchString(value) {
			t.Errorf("%q does not match itself", value)
		}
		if other != value && pattern.MatchString(other) {
			t.Errorf("%q matches %q", value, other)
		}
	}
}
