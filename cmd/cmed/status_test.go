package main

import (
	"encoding/json"
	"maps"
	"net/http"
	"regexp"
	"strings"
	"testing"
	"time"
)

func TestStatus(t *testing.T) {
	now := time.Now()
	at := func(d time.Duration) string { return now.Add(d).Format(time.RFC3339) }
	executors := func(list ...string) string {
		return `{"executors":[` + strings.Join(list, ",") + `],"_links":{}}`
	}
	for _, test := range []struct {
		name    string
		status  string
		me      string
		others  map[string][]string
		want    string
		warning string
	}{
		{
			name:   "at peace",
			status: `{"version":"1.2","lever":{"engaged":false,"by":"ana"},"limits":[{"name":"a","limit":"1","used":0}]}`,
			me:     `404 {"detail":"a daemon from before there were keys"}`,
			others: map[string][]string{"GET /api/1/executors/": {executors()}, "GET /api/1/plugins/": {`{"plugins":[{"kind":"attack","path":"x","state":"ready"}]}`}},
			want:   "lever:   released: executors start when they are due\nruns:    0 alive\nundos:   no records\nlimits:  none reached\n",
		},
		{
			name: "at three in the morning",
			status: `{"version":"1.2","lever":{"engaged":true,"by":"ana@host","reason":"it burns","at":"` + at(-2*time.Minute) + `","stopping":1,"undoing":2},
				"runs":{"live":3,"undoing":1},"undos":{"open":4,"undoing":1,"undone":9,"kept":1,"failed":2,"abandoned":1},
				"limits":[{"name":"max-open-undos","limit":"7","used":7,"reached":true},{"name":"allow-attack","limit":"none","used":null},
					{"name":"quiet-hours","limit":"22:00-06:00","used":null,"reached":true}],"_warnings":["careful"]}`,
			me: `{"name":"ana","role":"operator","limits":{"refs":["a:*"],"labels":{"team":"x"}},"open":false}`,
			others: map[string][]string{
				"GET /api/1/executors/": {
					executors(`{"id":"e1","state":"running","started":"` + at(-72*time.Second) + `","attack_ref":"x:Y","name":"n"}`),
					executors(`{"id":"e2","state":"scheduled","next_run_time":"` + at(4*time.Minute+30*time.Second) + `","attack_ref":"x:Z"}`),
					executors(`{"id":"f1","state":"failed","finished":"`+at(-time.Hour)+`","reason":"first"}`, `{"id":"f2"}`, `{"id":"f3"}`, `{"id":"f4"}`, `{"id":"f5"}`,
						`{"id":"f6","state":"lost","finished":"`+at(-time.Minute)+`","attack_ref":"x:Y","reason":"it died"}`),
					executors(`{"id":"b1","state":"blocked"}`, `{"id":"b2","state":"blocked"}`, `{"id":"m1","state":"missed"}`),
				},
				"GET /api/1/undos/":   {`{"undos":[{"id":"u-1","state":"failed","attack_ref":"x:Y","attempts":10,"created":"` + at(-3*time.Minute) + `","description":"cut","message":"no"}],"_links":{}}`},
				"GET /api/1/plugins/": {`{"plugins":[{"kind":"attack","path":"fine","state":"ready"},{"kind":"attack","path":"old","state":"broken","error":{"stage":"describe","message":"it hangs"}}]}`},
			},
			want: "you:     ana (operator), only a:*, team=x\n" +
				"lever:   ENGAGED by ana@host at " + at(-2*time.Minute) + " (2 min ago): it burns; nothing starts; still 1 run to stop, 2 records to undo\n" +
				"runs:    3 alive, 1 being undone\n" +
				"undos:   2 FAILED, NOT undone (see cmed undos), 4 open, 1 being undone, 9 undone, 1 kept, 1 abandoned\n" +
				"limits:  REACHED: max-open-undos 7 (7 used), quiet-hours 22:00-06:00\n" +
				"\nrunning\nID STATE NAME FOR ATTACK\ne1 running n 1 min x:Y\n" +
				"\nnext\nID NAME DUE ATTACK\ne2 - " + at(4*time.Minute+30*time.Second) + " (in 4 min) x:Z\n" +
				"\nfailed in the last day\nID STATE REASON ENDED ATTACK\nf6 lost it died " + at(-time.Minute) + " (1 min ago) x:Y\nf1 failed first " + at(-time.Hour) + " (60 min ago) -\nf2 - - - -\nf3 - - - -\nf4 - - - -\n" +
				"\nto be undone\nID STATE ATTACK DESCRIPTION MADE ATTEMPTS\nu-1 failed x:Y cut (no) " + at(-3*time.Minute) + " (3 min ago) 10\n" +
				"\nplugins in trouble\nFILE STATE REASON\nattack old broken describe: it hangs\n" +
				"\ndid not run in the last day: 2 blocked, 1 missed (cmed executor list --state blocked,missed --from SINCE)\n",
			warning: "warning: careful\n",
		},
	} {
		t.Run(test.name, func(t *testing.T) {
			answers := map[string][]string{"GET /api/1/status": {test.status}, "GET /api/1/me": {test.me}}
			maps.Copy(answers, test.others)
			s := newStandIn(t, answers)
			c, code := s.call(t, "status")
			shown := sinceWhen.ReplaceAllString(c.stdout.String(), "--from SINCE)")
			if got, want := squeezed(shown), squeezed("cmed 1.2 at "+s.URL+"\n"+test.want); code != 0 || got != want {
				t.Errorf("exit code %d and\n%swant\n%s", code, got, want)
			}
			if got := c.stderr.String(); got != test.warning {
				t.Errorf("standard error %q", got)
			}
			asked := strings.Join(s.asked, "\n")
			for _, want := range []string{"limit=5&state=starting%2Crunning", "limit=5&state=scheduled", "from=20", "limit=100&order=newest&state=failed%2Ctimed_out%2Ccrashed%2Clost", "order=newest&state=blocked%2Cmissed"} {
				if !strings.Contains(asked, want) {
					t.Errorf("%s is not asked for:\n%s", want, asked)
				}
			}
		})
	}
}

// sinceWhen matches the date that the screen itself computes.
var sinceWhen = regexp.MustCompile(`--from [0-9TZ:-]+\)`)

// squeezed is a text with one space where there are several.
func squeezed(text string) string {
	lines := strings.Split(text, "\n")
	for i := range lines {
		lines[i] = strings.Join(strings.Fields(lines[i]), " ")
	}
	return strings.Join(lines, "\n")
}

func TestStatusOfARealDaemon(t *testing.T) {
	d := begin(t, newHome(t).args("--max-open-undos", "0")...)
	url := d.url(t)
	c := begin(t, "status", "--server", url)
	if code := c.end(t); code != 0 || !strings.Contains(c.stdout.String(), "\nundos:   no records\nlimits:  none reached\n") {
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
	for _, name := range []string{"me", "running", "next", "failures", "open_undos", "plugins_in_trouble"} {
		if told[name] == nil {
			t.Errorf("it does not tell %s", name)
		}
	}
	for name := range asked {
		if _, ok := told[name]; !ok {
			t.Errorf("it does not tell %s", name)
		}
	}
	d.finish(t)
}
