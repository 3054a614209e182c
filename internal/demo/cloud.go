package main

import (
	"context"
	"fmt"
	"os"
	"slices"
	"strings"
	"time"

	"github.com/chaos-monkey-engine/cmed/internal/awstest"
)

// region is where the instances of the demo are.
const region = "eu-west-1"

// cloud is an EC2 on loopback with three instances.
type cloud struct{ server *awstest.Server }

func (v *cloud) open(_ context.Context, s *story) ([]string, error) {
	// What the reader has of AWS stays out of it: no profile, no account is used.
	for _, variable := range os.Environ() {
		if name, _, _ := strings.Cut(variable, "="); strings.HasPrefix(name, "AWS_") {
			if err := os.Unsetenv(name); err != nil {
				return nil, fmt.Errorf("leave out %s: %w", name, err)
			}
		}
	}
	v.server = awstest.New()
	for _, name := range []string{"web-1", "web-2", "web-3"} {
		v.server.Add(awstest.Instance{Type: "t3.micro", Tags: map[string]string{"Name": name}})
	}
	s.tell("A small EC2 starts on this machine, with three instances.")
	s.show("%s, region %s; the daemon finds it, and credentials, in its environment", v.server.URL(), region)
	v.show(s)
	return append(v.server.Env(region), "CMED_TIMEZONE="+early(),
		"AWS_CONFIG_FILE="+os.DevNull, "AWS_SHARED_CREDENTIALS_FILE="+os.DevNull), nil
}

// early is a zone in which it is five in the morning: all of the day's attacks are
// still to come, whenever the demo is played.
func early() string {
	offset := 5 - time.Now().UTC().Hour()
	if offset < -12 {
		offset += 24
	}
	return fmt.Sprintf("Etc/GMT%+d", -offset) // their signs are the other way round
}

// show prints the instances as they are, whatever anybody says.
func (v *cloud) show(s *story) {
	all := v.server.Instances(region)
	slices.SortFunc(all, func(a, b awstest.Instance) int { return strings.Compare(a.Tags["Name"], b.Tags["Name"]) })
	for _, i := range all {
		s.show("%s  %s  %s", i.ID, i.Tags["Name"], i.State)
	}
}

// quickstart is the plan that the README shows, as seen from the root of the
// repository.
const quickstart = "examples/plans/quickstart.json"

// attack has the daemon carry out the first of the quickstart's executors now.
func (v *cloud) attack(ctx context.Context, s *story, c *client) error {
	document, err := os.ReadFile(quickstart)
	if err != nil {
		return fmt.Errorf("read the quickstart's plan (start the demo in the root of the repository): %w", err)
	}
	s.tell("The quickstart's plan: three times between 10:00 and 18:00, terminate a running instance.")
	s.show("%s", quickstart)
	executors, err := s.post(ctx, c, document)
	if err != nil {
		return err
	}
	s.tell("Nobody waits so long: the first is moved to the next second but one.")
	first := executors[0].ID
	if err := c.move(ctx, first, time.Now().Add(2*time.Second).UTC().Truncate(time.Second)); err != nil {
		return err
	}
	s.show("PUT /api/1/executors/%s", first)
	ex, err := c.wait(ctx, first)
	if err != nil {
		return err
	}
	for _, call := range v.server.Calls() {
		s.show("EC2 was called: %s", call.Action)
	}
	if err := s.record(ctx, c, ex); err != nil {
		return err
	}
	s.tell("What EC2 itself says of the three.")
	v.show(s)
	return v.judge(ex)
}

// judge compares what the executor says with what has become of the instances.
func (v *cloud) judge(ex executor) error {
	var died []string
	for _, i := range v.server.Instances(region) {
		switch i.State {
		case "terminated":
			died = append(died, i.ID)
		case "running":
		default:
			return fmt.Errorf("%s is %s", i.ID, i.State)
		}
	}
	if said := ex.hit(); len(died) != 1 || len(said) != 1 || said[0].id != died[0] {
		return fmt.Errorf("one instance should have died; the executor says that it hit %q, and dead are %q", said, died)
	}
	return nil
}

func (v *cloud) close() error {
	if v.server != nil {
		v.server.Close()
	}
	return nil
}
