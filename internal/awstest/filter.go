package awstest

import (
	"fmt"
	"maps"
	"net/http"
	"regexp"
	"slices"
	"strconv"
	"strings"
)

// property is what a filter looks at: none, one or several values of an
// instance.
type property func(*instance) []string

// one makes a property of something that an instance has or has not.
func one(value func(*instance) string) property {
	return func(i *instance) []string {
		if v := value(i); v != "" {
			return []string{v}
		}
		return nil
	}
}

// always makes a property that is the same for all instances.
func always(value string) property {
	return one(func(*instance) string { return value })
}

// properties are the filters of DescribeInstances that the server knows, but for
// "tag:KEY". AWS has more; the rest is refused as AWS refuses what it doesn't
// know.
var properties = map[string]property{
	"architecture":         always("x86_64"),
	"availability-zone":    one(func(i *instance) string { return i.Zone }),
	"dns-name":             one((*instance).publicDNS),
	"hypervisor":           always("xen"),
	"image-id":             one(func(i *instance) string { return i.Image }),
	"instance-id":          one(func(i *instance) string { return i.ID }),
	"instance-lifecycle":   always(""), // neither spot nor scheduled
	"instance-state-code":  one(func(i *instance) string { return strconv.Itoa(states[i.State]) }),
	"instance-state-name":  one(func(i *instance) string { return i.State }),
	"instance-type":        one(func(i *instance) string { return i.Type }),
	"ip-address":           one((*instance).publicIP),
	"key-name":             always(""),
	"launch-index":         always("0"),
	"launch-time":          one((*instance).launchTime),
	"monitoring-state":     always("disabled"),
	"owner-id":             always(account),
	"platform":             always(""), // "windows" or nothing
	"private-dns-name":     one((*instance).privateDNS),
	"private-ip-address":   one((*instance).privateIP),
	"reason":               one(func(i *instance) string { return i.cause }),
	"reservation-id":       one(func(i *instance) string { return i.reservation }),
	"root-device-name":     always("/dev/xvda"),
	"root-device-type":     always("ebs"),
	"state-reason-code":    one((*instance).stateReasonCode),
	"state-reason-message": one((*instance).stateReasonMessage),
	"subnet-id":            one((*instance).subnet),
	"tag-key":              (*instance).tagKeys,
	"tenancy":              always("default"),
	"virtualization-type":  always("hvm"),
	"vpc-id":               one((*instance).vpc),
}

func (i *instance) tagKeys() []string { return slices.Collect(maps.Keys(i.Tags)) }

// tag is the value of one tag.
func tag(key string) property {
	return func(i *instance) []string {
		if value, ok := i.Tags[key]; ok {
			return []string{value}
		}
		return nil
	}
}

// filter matches instances of which a property has a value like one of these.
type filter struct {
	values property
	like   []*regexp.Regexp
}

func (f filter) match(i *instance) bool {
	return slices.ContainsFunc(f.values(i), func(value string) bool {
		return slices.ContainsFunc(f.like, func(p *regexp.Regexp) bool { return p.MatchString(value) })
	})
}

// filters match what each of them matches.
type filters []filter

func (all filters) match(i *instance) bool {
	for _, f := range all {
		if !f.match(i) {
			return false
		}
	}
	return true
}

// mostValues is how many values a filter may have.
const mostValues = 200

// filters reads Filter.n.Name and Filter.n.Value.m.
func (q *query) filters() (filters, *apiError) {
	var all filters
	for _, n := range q.members("Filter") {
		at := "Filter." + strconv.Itoa(n)
		name, values := q.get(at+".Name"), q.list(at+".Value")
		f := filter{values: properties[name]}
		if key, ok := strings.CutPrefix(name, "tag:"); ok && key != "" {
			f.values = tag(key)
		}
		switch {
		case f.values == nil:
			return nil, fail(http.StatusBadRequest, "InvalidParameterValue", fmt.Sprintf("The filter '%s' is invalid", name))
		case len(values) == 0:
			return nil, fail(http.StatusBadRequest, "MissingParameter", "The request must contain the parameter "+at+".Value")
		case len(values) > mostValues:
			return nil, fail(http.StatusBadRequest, "FilterLimitExceeded", fmt.Sprintf(
				"The maximum number of filter values specified on a single call is %d", mostValues))
		}
		for _, value := range values {
			f.like = append(f.like, wildcards(value))
		}
		all = append(all, f)
	}
	return all, nil
}

// wildcards makes a pattern of a filter's value: * is any text, ? any character,
// a backslash takes the meaning from the character after it.
func wildcards(value string) *regexp.Regexp {
	var pattern strings.Builder
	escaped := false
	for _, c := range value {
		switch {
		case !escaped && c == '\\':
			escaped = true
			continue
		case !escaped && c == '*':
			pattern.WriteString(".*")
		case !escaped && c == '?':
			pattern.WriteString(".")
		default:
			pattern.WriteString(regexp.QuoteMeta(string(c)))
		}
		escaped = false
	}
	return regexp.MustCompile(`(?s)^` + pattern.String() + `$`)
}
