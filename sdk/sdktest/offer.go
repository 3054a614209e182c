package sdktest

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"strings"
	"testing"

	"google.golang.org/grpc/status"

	"github.com/chaos-monkey-engine/cmed/sdk"
	"github.com/chaos-monkey-engine/cmed/sdk/internal/inprocess"
	"github.com/chaos-monkey-engine/cmed/sdk/pluginv1"
	"github.com/chaos-monkey-engine/cmed/sdk/schema"
)

// offered is an offer as a daemon knows it, served by a service of its own.
type offered struct {
	pluginv1.Offer
	plugin inprocess.Plugin
	schema *schema.Schema
}

// serve serves an offer. The test fails if the daemon would list it as broken.
func serve(t testing.TB, offer sdk.Offer, c *call) *offered {
	t.Helper()
	o := &offered{plugin: inprocess.New(c.grace, offer)}
	response, err := o.plugin.Server.Describe(context.Background(), &pluginv1.DescribeRequest{})
	if err != nil {
		t.Fatalf("the daemon would list the plugin as broken: %s", status.Convert(err).Message())
	}
	o.Offer = response.Describe().Offers[0]
	if o.schema, err = schema.Compile(o.Schema); err != nil {
		t.Fatalf("the daemon would list the plugin as broken: %s: %v", o.Ref, err)
	}
	for i, example := range o.Examples {
		if wrong := o.schema.Validate(example); wrong != nil {
			t.Fatalf("the daemon would list the plugin as broken: %s: example %d: %s", o.Ref, i+1, list(wrong))
		}
	}
	if c.dryRun && !o.CanDryRun {
		t.Fatalf("the daemon would refuse a dry run: %s does not declare one (sdk.Info.DryRun)", o.Ref)
	}
	return o
}

// config is a whole config.
type config struct {
	Ref  string `json:"ref"`
	Args any    `json:"args,omitempty"`
}

// config returns the config of a call. The test fails if it can't be written, or
// if the daemon would refuse it.
func (o *offered) config(t testing.TB, c *call, args any) []byte {
	t.Helper()
	var whole any = config{o.Ref, json.RawMessage(encode(t, "the args", args))}
	if c.whole != nil {
		whole = c.whole
	} else if text, _ := whole.(config).Args.(json.RawMessage); string(text) == "null" {
		whole = config{Ref: o.Ref}
	}
	doc := encode(t, "the config", whole)
	if wrong := o.schema.Validate(doc); wrong != nil {
		t.Fatalf("the daemon would refuse the config of %s: %s", o.Ref, list(wrong))
	}
	return doc
}

// encode writes what a person gave as JSON, as the SDK does.
func encode(t testing.TB, what string, value any) []byte {
	t.Helper()
	var b bytes.Buffer
	encoder := json.NewEncoder(&b)
	encoder.SetEscapeHTML(false)
	if err := encoder.Encode(value); err != nil {
		t.Fatalf("%s can't be written as JSON: %v", what, err)
	}
	return bytes.TrimSpace(b.Bytes())
}

// list words violations.
func list(violations []schema.Violation) string {
	lines := make([]string, len(violations))
	for i, v := range violations {
		lines[i] = v.Message
		if v.Pointer != "" {
			lines[i] = fmt.Sprintf("%s: %s", v.Pointer, v.Message)
		}
	}
	return strings.Join(lines, "; ")
}
