package openapi

// The drafts of JSON Schema that a plugin's schema may be written in, in their
// order. A document of OpenAPI 3.1 is written in the last of them.
const (
	draft04 = iota
	draft06
	draft07
	draft2019
	draft2020
)

// drafts are how $schema names them.
var drafts = map[string]int{
	"json-schema.org/draft-04/schema":      draft04,
	"json-schema.org/draft-06/schema":      draft06,
	"json-schema.org/draft-07/schema":      draft07,
	"json-schema.org/draft/2019-09/schema": draft2019,
	"json-schema.org/draft/2020-12/schema": draft2020,
}

// What a keyword holds.
type keyword int

const (
	plain   keyword = iota // a value, which is kept as it is
	single                 // a schema
	several                // a list of schemas
	named                  // an object of schemas
)

// keywords are those that mean the same in every draft since the one given. What
// is not among them means nothing in the plugin's draft and is left out, since it
// might mean something here.
var keywords = map[string]struct {
	holds keyword
	since int
}{
	"title": {plain, draft04}, "description": {plain, draft04}, "default": {plain, draft04}, "format": {plain, draft04},
	"type": {plain, draft04}, "enum": {plain, draft04}, "multipleOf": {plain, draft04}, "pattern": {plain, draft04},
	"maximum": {plain, draft04}, "minimum": {plain, draft04}, "maxLength": {plain, draft04}, "minLength": {plain, draft04},
	"maxItems": {plain, draft04}, "minItems": {plain, draft04}, "uniqueItems": {plain, draft04}, "required": {plain, draft04},
	"maxProperties": {plain, draft04}, "minProperties": {plain, draft04},
	"const": {plain, draft06}, "examples": {plain, draft06},
	"exclusiveMaximum": {plain, draft06}, "exclusiveMinimum": {plain, draft06},
	"readOnly": {plain, draft04}, "writeOnly": {plain, draft04}, // the daemon heeds them in every draft
	"contentEncoding": {plain, draft07}, "contentMediaType": {plain, draft07}, "deprecated": {plain, draft2019},
	"minContains": {plain, draft2019}, "maxContains": {plain, draft2019}, "dependentRequired": {plain, draft2019},

	"not": {single, draft04}, "additionalProperties": {single, draft04}, "propertyNames": {single, draft06},
	"contains": {single, draft06}, "if": {single, draft07}, "then": {single, draft07}, "else": {single, draft07},
	"unevaluatedItems": {single, draft2019}, "unevaluatedProperties": {single, draft2019},
	"allOf": {several, draft04}, "anyOf": {several, draft04}, "oneOf": {several, draft04}, "prefixItems": {several, draft2020},
	"properties": {named, draft04}, "patternProperties": {named, draft04}, "dependentSchemas": {named, draft2019},
}
