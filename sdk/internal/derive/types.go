package derive

import (
	"encoding"
	"encoding/json"
	"maps"
	"math"
	"net"
	"net/netip"
	"net/url"
	"reflect"
	"strconv"
	"time"

	"github.com/invopop/jsonschema"
)

// schemaOf derives the schema of a type. Faults name it by at.
func (d *deriver) schemaOf(t reflect.Type, at string) *jsonschema.Schema {
	if !d.enter(t, at) {
		return &jsonschema.Schema{}
	}
	defer d.leave()
	if t.Kind() == reflect.Pointer {
		return d.schemaOf(t.Elem(), at)
	}
	if remedy, ok := unreadable[t]; ok {
		d.fault(at, "%s", remedy)
		return &jsonschema.Schema{}
	}
	if s := d.known(t, at); s != nil {
		return s
	}
	s := d.ofKind(t, at)
	// What a faulty tag should have given is missing: the method may rely on it.
	if extender, ok := reflect.TypeAssert[interface{ JSONSchemaExtend(s *jsonschema.Schema) }](reflect.New(t)); ok && len(d.faults) == 0 {
		extender.JSONSchemaExtend(s)
	}
	return s
}

// unreadable are types that are not read as one would think, and what to do.
var unreadable = map[reflect.Type]string{
	reflect.TypeFor[time.Duration](): "a time.Duration is read as a number of nanoseconds; use sdk.Duration",
	reflect.TypeFor[url.URL]():       `a url.URL can't be read from a text; use a string with jsonschema:"format=uri"`,
}

// unsupported are the hooks of the schema library that are not called here.
var unsupported = []string{"JSONSchemaAlias", "JSONSchemaProperty", "GetFieldDocString"}

// known returns the schema of a type that is read in a way of its own, nil for
// any other.
func (d *deriver) known(t reflect.Type, at string) *jsonschema.Schema {
	for _, name := range unsupported {
		if _, has := reflect.PointerTo(t).MethodByName(name); has {
			d.fault(at, "the method %s of %s is not called; use JSONSchema or JSONSchemaExtend", name, t)
		}
	}
	value := reflect.New(t).Interface()
	if custom, ok := value.(interface{ JSONSchema() *jsonschema.Schema }); ok {
		return own(custom.JSONSchema())
	}
	switch t {
	case reflect.TypeFor[time.Time]():
		return &jsonschema.Schema{Type: "string", Format: "date-time"}
	case reflect.TypeFor[netip.Addr](), reflect.TypeFor[net.IP]():
		return &jsonschema.Schema{Type: "string", AnyOf: []*jsonschema.Schema{{Format: "ipv4"}, {Format: "ipv6"}}}
	case reflect.TypeFor[json.RawMessage]():
		return &jsonschema.Schema{}
	case reflect.TypeFor[json.Number]():
		return &jsonschema.Schema{Type: "number"}
	}
	if _, isText := value.(encoding.TextUnmarshaler); isText {
		return &jsonschema.Schema{Type: "string"}
	}
	return nil
}

// own returns a schema that may be changed at its top without changing an
// author's.
func own(s *jsonschema.Schema) *jsonschema.Schema {
	if s == nil || s == jsonschema.TrueSchema {
		return &jsonschema.Schema{}
	}
	if s == jsonschema.FalseSchema {
		return &jsonschema.Schema{Not: jsonschema.TrueSchema}
	}
	mine := *s
	mine.Extras = maps.Clone(s.Extras)
	return &mine
}

// ofKind derives the schema of a type that encoding/json reads by its kind.
func (d *deriver) ofKind(t reflect.Type, at string) *jsonschema.Schema {
	switch t.Kind() {
	case reflect.Struct:
		return d.object(t, at)
	case reflect.Map:
		return d.mapping(t, at)
	case reflect.Slice, reflect.Array:
		return d.list(t, at)
	case reflect.String:
		return &jsonschema.Schema{Type: "string"}
	case reflect.Bool:
		return &jsonschema.Schema{Type: "boolean"}
	case reflect.Float32, reflect.Float64:
		return &jsonschema.Schema{Type: "number"}
	case reflect.Int, reflect.Int64:
		return &jsonschema.Schema{Type: "integer"}
	case reflect.Int8, reflect.Int16, reflect.Int32:
		return between(math.MinInt64>>(64-t.Bits()), math.MaxInt64>>(64-t.Bits()))
	case reflect.Uint8, reflect.Uint16, reflect.Uint32:
		return between(0, 1<<t.Bits()-1)
	case reflect.Uint, reflect.Uint64, reflect.Uintptr:
		return &jsonschema.Schema{Type: "integer", Minimum: "0"}
	case reflect.Interface:
		if t.NumMethod() == 0 {
			return &jsonschema.Schema{}
		}
	}
	d.fault(at, "unsupported type %s: JSON can't be read into it", t)
	return &jsonschema.Schema{}
}

// between is the schema of the integers that fit a type.
func between(least, most int64) *jsonschema.Schema {
	return &jsonschema.Schema{
		Type:    "integer",
		Minimum: json.Number(strconv.FormatInt(least, 10)), Maximum: json.Number(strconv.FormatInt(most, 10)),
	}
}

func (d *deriver) list(t reflect.Type, at string) *jsonschema.Schema {
	if t.Kind() == reflect.Slice && t.Elem().Kind() == reflect.Uint8 {
		return &jsonschema.Schema{Type: "string", ContentEncoding: "base64"}
	}
	s := &jsonschema.Schema{Type: "array", Items: d.schemaOf(t.Elem(), at+"[]")}
	if t.Kind() == reflect.Array {
		length := uint64(t.Len()) //nolint:gosec // A length is not negative.
		s.MinItems, s.MaxItems = &length, &length
	}
	return s
}

func (d *deriver) mapping(t reflect.Type, at string) *jsonschema.Schema {
	s := &jsonschema.Schema{Type: "object"}
	values := d.schemaOf(t.Elem(), at+"[]")
	names := ""
	switch _, isText := reflect.TypeAssert[encoding.TextUnmarshaler](reflect.New(t.Key())); {
	case isText || t.Key().Kind() == reflect.String:
	case reflect.Zero(t.Key()).CanInt():
		names = "^-?[0-9]+$"
	case reflect.Zero(t.Key()).CanUint():
		names = "^[0-9]+$"
	default:
		d.fault(at, "unsupported type %s: the names of JSON's members can't be read into %s", t, t.Key())
	}
	switch {
	case names != "":
		s.PatternProperties = map[string]*jsonschema.Schema{names: values}
		s.AdditionalProperties = jsonschema.FalseSchema
	case t.Elem().Kind() != reflect.Interface: // of any everything may be a value
		s.AdditionalProperties = values
	}
	return s
}

func (d *deriver) object(t reflect.Type, at string) *jsonschema.Schema {
	s := &jsonschema.Schema{
		Type: "object", Properties: jsonschema.NewProperties(), AdditionalProperties: jsonschema.FalseSchema,
	}
	for _, f := range d.membersOf(t, at) {
		property := d.schemaOf(f.Type, f.path)
		d.fields[property] = f.path
		required := d.apply(f, property)
		s.Properties.Set(f.name, property)
		if required {
			s.Required = append(s.Required, f.name)
		}
	}
	return s
}
