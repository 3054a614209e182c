package main

import "github.com/invopop/jsonschema"

// JSONSchemaExtend adds to the derived schema what tags can't say.
func (scriptArgs) JSONSchemaExtend(s *jsonschema.Schema) {
	provider := property(s, "provider")
	provider.Enum = []any{providerEC2, providerDocker}
	provider.Default = providerEC2
	for _, name := range []string{"provider", "region", "filters", "excluded"} {
		property(s, name).Description += " Not with hosts."
	}
	property(s, "filters").Description += " One of the two is required; {} stands for no filters."
	property(s, "dry_run").Description = "Choose and record which machines would be hit, look for the scripts and the key, and log in to each, " +
		"but upload and run nothing. The same as dry_run of the plan."

	long := uint64(64 << 10)
	many := uint64(256)
	for name, secret := range map[string]bool{"env": false, "secret_env": true} {
		variables := property(s, name)
		variables.MaxProperties = &many
		variables.PropertyNames = &jsonschema.Schema{Pattern: variableName.String(), MaxLength: &many}
		variables.AdditionalProperties = &jsonschema.Schema{
			Type: "string", MaxLength: &long, WriteOnly: secret, Description: "The variable's value.",
		}
	}
	property(s, "remote_script").Pattern = `^/[^\x00-\x1f\x7f]*[^/\x00-\x1f\x7f]$`
	arg := uint64(16 << 10)
	property(s, "args").Items.MaxLength = &arg
}

func property(s *jsonschema.Schema, name string) *jsonschema.Schema { return s.Properties.Value(name) }

// JSONSchema is how the schema of the args describes a host.
func (host) JSONSchema() *jsonschema.Schema {
	one, name, key := uint64(1), uint64(260), uint64(16<<10)
	members := jsonschema.NewProperties()
	members.Set("host", &jsonschema.Schema{Type: "string", MinLength: &one, MaxLength: &name, Description: "A name or an IP address."})
	members.Set("port", &jsonschema.Schema{Type: "integer", Minimum: "1", Maximum: "65535", Description: "The port of its SSH server; without it, that of ssh."})
	members.Set("host_key", &jsonschema.Schema{
		Type: "string", MinLength: &one, MaxLength: &key,
		Description: "The only key that it may show: a line like ssh-ed25519 AAAA... or a fingerprint like SHA256:...",
	})
	return &jsonschema.Schema{OneOf: []*jsonschema.Schema{
		{Type: "string", MinLength: &one, MaxLength: &name},
		{Type: "object", Properties: members, Required: []string{"host"}, AdditionalProperties: jsonschema.FalseSchema},
	}}
}
