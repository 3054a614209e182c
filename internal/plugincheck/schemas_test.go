package plugincheck

import (
	"testing"
	"time"

	"github.com/chaos-monkey-engine/cmed/internal/engine"
	"github.com/chaos-monkey-engine/cmed/sdk/pluginv1"
)

func TestNamesSecret(t *testing.T) {
	for name, want := range map[string]bool{
		"password": true, "db_password": true, "dbPassword": true, "Passwd": true, "apiKey": true, "api-key": true, "API_KEY": true,
		"secret": true, "client_secret": true, "secrets": true, "token": true, "access_token": true, "private_key": true,
		"aws_secret_access_key": true, "Authorization": true, "key_passphrase": true, "credentials": true,
		"password_env": false, "token_file": false, "secret_name": false, "secret_env": false, "key": false, "keyboard": false,
		"tokenizer": false, "api_key_id": false, "secretary": false, "next_token": false, "idempotency_token": false,
		"ssh_key": false, "password_length": false, "": false,
	} {
		if got := namesSecret(name); got != want {
			t.Errorf("namesSecret(%q) = %t", name, got)
		}
	}
}

func TestMarksSecrets(t *testing.T) {
	for _, c := range []struct{ rule, properties, want string }{
		{"a text", `"token":{"type":"string"}`, "/args/token is not writeOnly"},
		{"of any type", `"token":{}`, "/args/token is not writeOnly"},
		{"two", `"token":{},"password":{}`, "/args/password, /args/token are not writeOnly"},
		{"marked", `"token":{"type":"string","writeOnly":true}`, ""},
		{"through a reference", `"token":{"$ref":"#/$defs/secret"}`, ""},
		{"in something marked", `"login":{"type":"object","writeOnly":true,"properties":{"password":{"type":"string"}}}`, ""},
		{"a number", `"tokens":{"type":"integer"}`, ""},
		{"a truth", `"secret":{"type":"boolean"}`, ""},
		{"an object whose member is marked", `"credentials":{"type":"object","properties":{"key":{"type":"string","writeOnly":true}}}`, ""},
		{"an object of which nothing is marked", `"credentials":{"type":"object","properties":{"key":{"type":"string"}}}`, "/args/credentials is not writeOnly"},
		{"a map whose values are marked", `"secrets":{"type":"object","additionalProperties":{"type":"string","writeOnly":true}}`, ""},
		{"in an alternative", `"a":{"oneOf":[{"type":"null"},{"type":"object","properties":{"password":{"type":"string"}}}]}`, "/args/a/password is not writeOnly"},
	} {
		t.Run(c.rule, func(t *testing.T) {
			v := marksSecrets(t.Context(), ofSchema(`{"$defs":{"secret":{"writeOnly":true}},"properties":{"args":{"properties":{`+c.properties+`}}}}`))
			if v.message != c.want || (v.outcome == Passed) != (c.want == "") {
				t.Errorf("got %s %q, want %q", v.outcome, v.message, c.want)
			}
		})
	}
}

// ofSchema is an attack with a schema.
func ofSchema(doc string) *subject {
	return &subject{offer: &pluginv1.Offer{Ref: "a:B", Kind: "attack", Schema: []byte(doc)}}
}

func TestShowsNoSecret(t *testing.T) {
	for _, c := range []struct{ rule, property, want string }{
		{"a default", `{"writeOnly":true,"default":"x"}`, "/properties/p/default"},
		{"examples below it", `{"writeOnly":true,"properties":{"q":{"examples":["x"]}}}`, "/properties/p/properties/q/examples"},
		{"a choice", `{"writeOnly":true,"anyOf":[{"enum":["x"]}]}`, "/properties/p/anyOf/0/enum"},
		{"a property of that name", `{"writeOnly":true,"properties":{"default":{"type":"string"}}}`, ""},
		{"something open", `{"default":"x"}`, ""},
		{"a default that looks like a schema", `{"default":{"writeOnly":true,"default":"x"}}`, ""},
	} {
		t.Run(c.rule, func(t *testing.T) {
			v := showsNoSecret(t.Context(), ofSchema(`{"properties":{"p":`+c.property+`}}`))
			want := ""
			if c.want != "" {
				want = c.want + " in the schema shows a value"
			}
			if v.message != want || (v.outcome == Passed) != (want == "") {
				t.Errorf("got %s %q, want %q", v.outcome, v.message, want)
			}
		})
	}
}

func TestIsOpen(t *testing.T) {
	for doc, want := range map[string]bool{
		`{"properties":{"args":{"additionalProperties":true}}}`:              true,
		`{"properties":{"args":{"additionalProperties":{"type":"string"}}}}`: true,
		`{"properties":{"args":{"additionalProperties":false}}}`:             false,
		`{"properties":{"args":{}},"additionalProperties":true}`:             false,
		`{"properties":{"args":true}}`:                                       false,
		`[]`:                                                                 false,
	} {
		if got := isOpen([]byte(doc), true); got != want {
			t.Errorf("isOpen(%s) = %t", doc, got)
		}
	}
	if !isOpen([]byte(`{"additionalProperties":true}`), false) {
		t.Error("a config without args is not open")
	}
}

func TestWithMember(t *testing.T) {
	for _, c := range []struct {
		config, want, at string
		nested           bool
	}{
		{`{"ref":"a:B","args":{"a":1}}`, `{"args":{"a":1,"x":"y"},"ref":"a:B"}`, "/args/x", true},
		{`{"ref":"a:B"}`, `{"args":{"x":"y"},"ref":"a:B"}`, "/args/x", true},
		{`{"a":1}`, `{"a":1,"x":"y"}`, "/x", false},
		{`{"args":null}`, "", "", true},
		{`{"args":[1]}`, "", "", true},
		{`[]`, "", "", true},
	} {
		got, at, err := withMember([]byte(c.config), c.nested, "x", `"y"`)
		if string(got) != c.want || at != c.at || (err != nil) != (c.want == "") {
			t.Errorf("%s: %s at %s, %v", c.config, got, at, err)
		}
	}
}

func TestMomentsFor(t *testing.T) {
	now := time.Date(2026, 7, 8, 13, 14, 15, 0, time.UTC)
	midnight := time.Date(2026, 7, 8, 0, 0, 0, 0, time.UTC)
	for doc, want := range map[string][]time.Time{
		`{"args":{}}`: {now, midnight},
		`{"a":"2016-06-21T15:30:12","b":"2019-1"}`: {now, midnight, time.Date(2016, 6, 20, 0, 0, 0, 0, time.UTC)},
		`{"a":"2031-01-01","b":"2030-12-24 10:00"}`: {
			now, midnight, time.Date(2030, 12, 23, 0, 0, 0, 0, time.UTC),
		},
		`{"a":"2026-99-99","b":"120160-06-21"}`: {now, midnight},
	} {
		got := momentsFor(engine.Config{Doc: []byte(doc)}, now)
		if len(got) != len(want) {
			t.Errorf("%s: %v", doc, got)
			continue
		}
		for i := range got {
			if !got[i].Equal(want[i]) {
				t.Errorf("%s: %v, want %v", doc, got, want)
			}
		}
	}
}
