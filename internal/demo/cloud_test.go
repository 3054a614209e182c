package main

import (
	"encoding/json"
	"testing"

	"go.uber.org/goleak"

	"github.com/chaos-monkey-engine/cmed/internal/awstest"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func TestTheStoryOfTheCloudFailsUnlessItIsTrue(t *testing.T) {
	const a, b = "i-0000000a", "i-0000000b"
	for _, tt := range []struct {
		name   string
		states [2]string // of a and b
		run    string    // as the API has it
		want   string
	}{
		{"the one that died is the one that was hit", [2]string{"running", "terminated"}, `{"targets": [{"id": "i-0000000b", "state": "hit"}]}`, ""},
		{
			"another died",
			[2]string{"terminated", "running"},
			`{"targets": [{"id": "i-0000000b", "name": "web", "state": "hit"}]}`,
			`one instance should have died; the executor says that it hit [{"i-0000000b" "web"}], and dead are ["i-0000000a"]`,
		},
		{
			"nobody was hit",
			[2]string{"running", "running"},
			`{"targets": [{"id": "i-0000000b", "state": "selected"}]}`,
			`one instance should have died; the executor says that it hit [], and dead are []`,
		},
		{
			"both died",
			[2]string{"terminated", "terminated"},
			`{"targets": [{"id": "i-0000000a", "state": "hit"}]}`,
			`one instance should have died; the executor says that it hit [{"i-0000000a" ""}], and dead are ["i-0000000a" "i-0000000b"]`,
		},
		{"another one is on its way", [2]string{"shutting-down", "terminated"}, `{"targets": [{"id": "i-0000000b", "state": "hit"}]}`, "i-0000000a is shutting-down"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			v := &cloud{server: awstest.New()}
			defer func() {
				if err := v.close(); err != nil {
					t.Error(err)
				}
			}()
			v.server.Add(awstest.Instance{ID: a, State: tt.states[0]})
			v.server.Add(awstest.Instance{ID: b, State: tt.states[1]})
			var ex executor
			if err := json.Unmarshal([]byte(tt.run), &ex.Run); err != nil {
				t.Fatal(err)
			}
			got := ""
			if err := v.judge(ex); err != nil {
				got = err.Error()
			}
			if got != tt.want {
				t.Errorf("got %q, want %q", got, tt.want)
			}
		})
	}
}
