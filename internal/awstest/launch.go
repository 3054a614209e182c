package awstest

import (
	"cmp"
	"maps"
	"net/http"
	"strconv"
	"strings"
	"time"
)

// launch is a RunInstances that was done, for who asks for the same again.
type launch struct {
	reservation string
	instances   []*instance
}

// launched is the answer to RunInstances: the reservation, without one around it.
type launched struct {
	numbered
	reservation
}

// runInstances launches instances. The same client token again gives the same
// instances.
func runInstances(s *Server, q *query) (any, *apiError) {
	once := q.region() + " " + q.get("ClientToken")
	made := s.launches[once]
	if made == nil {
		var refused *apiError
		if made, refused = s.launch(q); refused != nil {
			return nil, refused
		}
		if q.get("ClientToken") != "" {
			s.launches[once] = made
		}
	}
	answer := launched{newNumber(), reservation{ID: made.reservation, Owner: account}}
	for n, i := range made.instances {
		document := i.document()
		document.Index = n
		answer.Instances = append(answer.Instances, document)
	}
	return answer, nil
}

func (s *Server) launch(q *query) (*launch, *apiError) {
	least, refused := q.number("MinCount", 0)
	if refused != nil {
		return nil, refused
	}
	most, refused := q.number("MaxCount", 0)
	switch {
	case refused != nil:
		return nil, refused
	case q.get("ImageId") == "":
		return nil, fail(http.StatusBadRequest, "MissingParameter", "The request must contain the parameter ImageId")
	case least < 1, most < least, most > 100:
		return nil, fail(http.StatusBadRequest, "InvalidParameterValue",
			"MinCount and MaxCount must be at least 1, at most 100, and in their order")
	case !strings.HasPrefix(q.get("Placement.AvailabilityZone")+q.region(), q.region()):
		return nil, fail(http.StatusBadRequest, "InvalidParameterValue",
			"Invalid availability zone: ["+q.get("Placement.AvailabilityZone")+"]")
	}
	if refused = dryRun(q); refused != nil {
		return nil, refused
	}
	made := &launch{}
	for range most {
		i := s.add(Instance{
			Region: q.region(), Zone: q.get("Placement.AvailabilityZone"),
			Type: q.get("InstanceType"), Image: q.get("ImageId"), State: "pending", Tags: q.launchTags(),
		})
		i.settles = time.Now().Add(s.settle)
		made.reservation = cmp.Or(made.reservation, i.reservation)
		i.reservation = made.reservation
		made.instances = append(made.instances, i)
	}
	return made, nil
}

// launchTags are the tags that the instances get at once.
func (q *query) launchTags() map[string]string {
	for _, n := range q.members("TagSpecification") {
		at := "TagSpecification." + strconv.Itoa(n)
		if q.get(at+".ResourceType") == "instance" {
			return q.tags(at + ".Tag")
		}
	}
	return nil
}

// createTags sets tags, over those there are.
func createTags(s *Server, q *query) (any, *apiError) {
	targets, refused := s.find(q.list("ResourceId"), q.region())
	if refused != nil {
		return nil, refused
	}
	tags := q.tags("Tag")
	for key := range tags {
		if strings.HasPrefix(key, "aws:") {
			return nil, fail(http.StatusBadRequest, "InvalidParameterValue",
				"Tag keys starting with 'aws:' are reserved for internal use")
		}
	}
	if refused = dryRun(q); refused != nil {
		return nil, refused
	}
	for _, i := range targets {
		maps.Copy(i.Tags, tags)
	}
	return done{newNumber(), true}, nil
}
