package install

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"
	"time"
)

// ask makes a request of a daemon's API and returns status and document.
func ask(t *testing.T, c *http.Client, method, url, key string, body any) (int, map[string]any) {
	t.Helper()
	text, err := json.Marshal(body)
	if err != nil {
		t.Fatal(err)
	}
	r, err := http.NewRequest(method, url, strings.NewReader(string(text)))
	if err != nil {
		t.Fatal(err)
	}
	r.Header.Set("Content-Type", "application/json")
	if key != "" {
		r.Header.Set("Authorization", "Bearer "+key)
	}
	answer, err := c.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	defer answer.Body.Close()
	said, err := io.ReadAll(answer.Body)
	if err != nil {
		t.Fatal(err)
	}
	var doc map[string]any
	if err := json.Unmarshal(said, &doc); err != nil {
		t.Fatalf("%s %s: %q is no document: %v", method, url, said, err)
	}
	return answer.StatusCode, doc
}

// plan has an attack run now and returns its executor.
func plan(t *testing.T, c *http.Client, base, key, ref string, args map[string]any) string {
	t.Helper()
	status, doc := ask(t, c, "POST", base+"/api/1/plans/", key, map[string]any{
		"name":    "try " + ref,
		"attack":  map[string]any{"ref": ref, "args": args},
		"planner": map[string]any{"ref": "exact_planner:ExactPlanner", "args": map[string]any{"date": fmt.Sprint(time.Now().Unix())}},
	})
	if status != http.StatusOK {
		t.Fatalf("the plan is refused: %d %v", status, doc)
	}
	_, list := ask(t, c, "GET", base+"/api/1/executors/?executed=true&plan_id="+doc["id"].(string), key, nil)
	executors, _ := list["executors"].([]any)
	if len(executors) != 1 {
		t.Fatalf("the plan has the executors %v", list)
	}
	return executors[0].(map[string]any)["id"].(string)
}

// await waits until an executor is in a state, and returns its document.
func await(t *testing.T, c *http.Client, base, key, id, state string) map[string]any {
	t.Helper()
	var doc map[string]any
	if !within(patience, func() bool {
		_, doc = ask(t, c, "GET", base+"/api/1/executors/"+id, key, nil)
		return doc["state"] == state
	}) {
		t.Fatalf("the executor is %v (%v), not %s", doc["state"], doc["reason"], state)
	}
	return doc
}

func toJSON(t *testing.T, doc any) string {
	t.Helper()
	text, err := json.Marshal(doc)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}
