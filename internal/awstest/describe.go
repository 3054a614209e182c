package awstest

import (
	"encoding/base64"
	"fmt"
	"maps"
	"net/http"
	"slices"
	"strconv"
	"strings"
)

// mostPerPage is how many instances an answer has at most.
const mostPerPage = 1000

// reservations is the answer to DescribeInstances. Each instance is alone in its
// reservation.
type reservations struct {
	numbered
	Set  []reservation `xml:"reservationSet>item"`
	Next string        `xml:"nextToken,omitempty"`
}

type reservation struct {
	ID        string             `xml:"reservationId"`
	Owner     string             `xml:"ownerId"`
	Groups    struct{}           `xml:"groupSet"`
	Instances []instanceDocument `xml:"instancesSet>item"`
}

// describeInstances lists instances: those named, or a page of all, less those
// that the filters drop. Filters are applied to a page, so it may have fewer
// instances than asked for, none even, and still not be the last.
func describeInstances(s *Server, q *query) (any, *apiError) {
	matching, refused := q.filters()
	if refused != nil {
		return nil, refused
	}
	page, next, refused := s.page(q)
	if refused == nil {
		refused = dryRun(q)
	}
	if refused != nil {
		return nil, refused
	}
	list := reservations{numbered: newNumber(), Next: next}
	for _, i := range page {
		if matching.match(i) {
			list.Set = append(list.Set, reservation{
				ID: i.reservation, Owner: account, Instances: []instanceDocument{i.document()},
			})
		}
	}
	return list, nil
}

// page returns the instances that the request is about and the token of the page
// after them, if there is one.
func (s *Server) page(q *query) (page []*instance, next string, refused *apiError) {
	most, refused := q.number("MaxResults", mostPerPage)
	if refused != nil {
		return nil, "", refused
	}
	ids := q.list("InstanceId")
	switch {
	case len(ids) > 0 && q.params.Has("MaxResults"):
		return nil, "", fail(http.StatusBadRequest, "InvalidParameterCombination",
			"The parameter instancesSet cannot be used with the parameter maxResults")
	case len(ids) > 0:
		page, refused = s.find(ids, q.region())
		return page, "", refused
	case most < 5:
		return nil, "", outOfRange(most, "greater than 5")
	case most > mostPerPage:
		return nil, "", outOfRange(most, "less than "+strconv.Itoa(mostPerPage))
	}
	page = s.inRegion(q.region())
	if token := q.get("NextToken"); token != "" {
		after, ok := q.readToken(token)
		if !ok {
			return nil, "", fail(http.StatusBadRequest, "InvalidNextToken", "The specified NextToken is not valid.")
		}
		page = slices.DeleteFunc(page, func(i *instance) bool { return i.place() <= after })
	}
	if len(page) > most {
		page = page[:most]
		next = q.token(page[most-1])
	}
	return page, next, nil
}

func outOfRange(most int, bound string) *apiError {
	return fail(http.StatusBadRequest, "InvalidParameterValue", fmt.Sprintf(
		"Value ( %d ) for parameter maxResults is invalid. Expecting a value %s.", most, bound))
}

// token is where the page after an instance starts. It is good for the same
// question only.
func (q *query) token(last *instance) string {
	return base64.URLEncoding.EncodeToString([]byte(q.question() + last.place()))
}

func (q *query) readToken(token string) (after string, ok bool) {
	text, err := base64.URLEncoding.DecodeString(token)
	if err != nil {
		return "", false
	}
	return strings.CutPrefix(string(text), q.question())
}

// question is a digest of the filters.
func (q *query) question() string {
	var asked []string
	for name := range q.params {
		if strings.HasPrefix(name, "Filter.") {
			asked = append(asked, name+"="+q.get(name))
		}
	}
	return digest([]byte(q.region() + strings.Join(slices.Sorted(slices.Values(asked)), "&")))[:16]
}

// stateDocument is a state in an answer.
type stateDocument struct {
	Code int    `xml:"code"`
	Name string `xml:"name"`
}

func stateOf(name string) stateDocument { return stateDocument{states[name], name} }

// instanceDocument is an instance in an answer.
type instanceDocument struct {
	ID         string        `xml:"instanceId"`
	Image      string        `xml:"imageId"`
	State      stateDocument `xml:"instanceState"`
	PrivateDNS string        `xml:"privateDnsName"`
	PublicDNS  string        `xml:"dnsName"`
	Reason     string        `xml:"reason"`
	Index      int           `xml:"amiLaunchIndex"`
	Type       string        `xml:"instanceType"`
	Launched   string        `xml:"launchTime"`
	Zone       string        `xml:"placement>availabilityZone"`
	Tenancy    string        `xml:"placement>tenancy"`
	Monitoring string        `xml:"monitoring>state"`
	Subnet     string        `xml:"subnetId,omitempty"`
	VPC        string        `xml:"vpcId,omitempty"`
	PrivateIP  string        `xml:"privateIpAddress,omitempty"`
	PublicIP   string        `xml:"ipAddress,omitempty"`
	StateCause *stateReason  `xml:"stateReason"`
	Arch       string        `xml:"architecture"`
	RootType   string        `xml:"rootDeviceType"`
	RootName   string        `xml:"rootDeviceName"`
	Virtual    string        `xml:"virtualizationType"`
	Hypervisor string        `xml:"hypervisor"`
	Tags       []tagDocument `xml:"tagSet>item"`
}

type stateReason struct {
	Code    string `xml:"code"`
	Message string `xml:"message"`
}

type tagDocument struct {
	Key   string `xml:"key"`
	Value string `xml:"value"`
}

// document is the instance as an answer shows it: one that is stopped has no
// public address, one that is terminated none at all.
func (i *instance) document() instanceDocument {
	d := instanceDocument{
		ID: i.ID, Image: i.Image, State: stateOf(i.State), Type: i.Type,
		Launched: i.launchTime(), Reason: i.cause,
		Zone: i.Zone, Tenancy: "default", Monitoring: "disabled",
		Subnet: i.subnet(), VPC: i.vpc(), PrivateIP: i.privateIP(), PublicIP: i.publicIP(),
		PrivateDNS: i.privateDNS(), PublicDNS: i.publicDNS(),
		Arch: "x86_64", RootType: "ebs", RootName: "/dev/xvda", Virtual: "hvm", Hypervisor: "xen",
	}
	if code := i.stateReasonCode(); code != "" {
		d.StateCause = &stateReason{code, i.stateReasonMessage()}
	}
	for _, key := range slices.Sorted(maps.Keys(i.Tags)) {
		d.Tags = append(d.Tags, tagDocument{key, i.Tags[key]})
	}
	return d
}

func (i *instance) launchTime() string { return i.Launched.UTC().Format("2006-01-02T15:04:05.000Z") }

// gone tells whether it has given back what it had in the network.
func (i *instance) gone() bool { return i.State == "terminated" }

func (i *instance) subnet() string { return unless(i.gone(), madeUp("subnet", 0)) }

func (i *instance) vpc() string { return unless(i.gone(), madeUp("vpc", 0)) }

func (i *instance) privateIP() string { return unless(i.gone(), i.PrivateIP) }

func (i *instance) publicIP() string { return unless(i.gone() || i.State == "stopped", i.PublicIP) }

func (i *instance) privateDNS() string {
	return dnsName("ip", i.privateIP(), i.Region+".compute.internal")
}

func (i *instance) publicDNS() string {
	return dnsName("ec2", i.publicIP(), i.Region+".compute.amazonaws.com")
}

// dnsName is the name that EC2 gives an address; empty if there is none.
func dnsName(prefix, ip, domain string) string {
	return unless(ip == "", prefix+"-"+strings.ReplaceAll(ip, ".", "-")+"."+domain)
}

func (i *instance) stateReasonCode() string {
	return unless(i.cause == "", "Client.UserInitiatedShutdown")
}

func (i *instance) stateReasonMessage() string {
	return unless(i.cause == "", "Client.UserInitiatedShutdown: User initiated shutdown")
}

func unless(not bool, text string) string {
	if not {
		return ""
	}
	return text
}
