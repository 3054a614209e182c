package main

import (
	"encoding/json"
	"net/http"
	"strings"
	"testing"
)

func TestStatus(t *testing.T) {
	for _, test := range []struct{ name, answer, want string }{
		{
			"at peace",
			`{"version":"1.2","lever":{"engaged":false,"by":"ana"},"limits":[{"name":"a","limit":"1","used":0}]}`,
			"lever:  released: executors start when they are due\nruns:   0 alive\nundos:  no records\nlimits: none reached\n",
		},
		{
			"at three in the morning",
			`{"version":"1.2","lever":{"engaged":true,"by":"ana@host","reason":"it burns","at":"2026-11-21T03:00:00.584561+01:00","stopping":1,"undoing":2},
				"runs":{"live":3,"undoing":1},"undos":{"open":4,"undoing":1,"undone":9,"kept":1,"failed":2,"abandoned":1},
				"limits":[{"name":"max-open-undos","limit":"7","used":7,"reached":true},{"name":"allow-attack","limit":"none","used":null},
					{"name":"quiet-hours","limit":"22:00-06:00","used":null,"reached":true}],"_warnings":["careful"]}`,
			"lever:  ENGAGED by ana@host at 2026-11-21T03:00:00+01:00 (it burns): nothing starts; still 1 run to stop, 2 records to undo\n" +
				"runs:   3 alive, 1 being undone\n" +
				"undos:  2 FAILED, NOT undone (see cmed undos), 4 open, 1 being undone, 9 undone, 1 kept, 1 abandoned\n" +
				"limits: REACHED: max-open-undos 7 (7 used), quiet-hours 22:00-06:00\n",
		},
	} {
		t.Run(test.name, func(t *testing.T) {
			s := newStandIn(t, map[string][]string{"GET /api/1/status": {test.answer}})
			c, code := s.call(t, "status")
			if got, want := c.stdout.String(), "cmed 1.2 at "+s.URL+"\n"+test.want; code != 0 || got != want {
				t.Errorf("exit code %d and\n%swant\n%s", code, got, want)
			}
			if got, want := c.stderr.String() != "", strings.Contains(test.answer, "careful"); got != want {
				t.Errorf("standard error %q", c.stderr.String())
			}
		})
	}
}

func TestStatusOfARealDaemon(t *testing.T) {
	d := begin(t, newHome(t).args("--max-open-undos", "0")...)
	url := d.url(t)
	c := begin(t, "status", "--server", url)
	if code := c.end(t); code != 0 || !strings.Contains(c.stdout.String(), "\nundos:  no records\nlimits: none reached\n") {
		t.Errorf("exit code %d: %s%s", code, c.stdout.String(), c.stderr.String())
	}
	c = begin(t, "status", "-o", "json", "--server", url)
	var told, asked map[string]any
	if code := c.end(t); code != 0 {
		t.Errorf("exit code %d: %s", code, c.stderr.String())
	}
	if err := json.Unmarshal([]byte(c.stdout.String()), &told); err != nil {
		t.Fatal(err)
	}
	status, body := get(t, url+"api/1/status")
	if err := json.Unmarshal([]byte(body), &asked); err != nil || status != http.StatusOK {
		t.Fatal(status, err)
	}
	for name := range asked {
		if _, ok := told[name]; !ok {
			t.Errorf("it does not tell %s", name)
		}
	}
	d.finish(t)
}

func TestStatusOfADaemonThatCannotBeReached(t *testing.T) {
	s := newStandIn(t, nil)
	s.Close()
	c, code := s.call(t, "status")
	if want := "\nSay where it is with --server or CMED_SERVER\n"; code != exitFailure || !strings.HasSuffix(c.stderr.String(), want) {
		t.Errorf("exit code %d: %s", code, c.stderr.String())
	}
}
