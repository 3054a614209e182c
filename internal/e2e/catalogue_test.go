package e2e

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

func TestEntryDocumentLinksToEverything(t *testing.T) {
	t.Parallel()
	d := start(t)
	for _, path := range []string{"/", "/api/1/"} {
		doc := d.get(t, path)
		checkMembers(t, "the entry document", doc, "_links name timezone version")
		if doc.text("name") != "cmed" || doc.text("timezone") != "Europe/Madrid" || doc.text("_links/self/href") != path {
			t.Errorf("%s: %v", path, doc)
		}
		links, _ := doc.at("_links").(map[string]any)
		checkMembers(t, "the entry's links", links, "attack attacks audit audit_verify backup docs events executor "+
			"executor_halt executor_log executors halt health key keys me metrics openapi plan plan_halt plan_preview "+
			"planner planners plans plugins ready rescan self status undo undo_abandon undo_retry undos")
		noDocument := []string{"backup", "docs", "events", "metrics", "openapi", "rescan"}
		for name, value := range links {
			link, _ := value.(map[string]any)
			href, _ := link["href"].(string)
			if templated, _ := link["templated"].(bool); templated != strings.Contains(href, "{") {
				t.Errorf("link %s: templated is %v for %s", name, templated, href)
			}
			if path, _, _ := strings.Cut(href, "{?"); !strings.Contains(path, "{") && !slices.Contains(noDocument, name) {
				d.get(t, path)
			}
		}
	}
}

// shippedAttacks are the attacks a daemon of the tests offers.
var shippedAttacks = []string{
	"api_request:ApiRequest", "e2e:Careful", "e2e:Count", "e2e:Final", "e2e:Harm", "e2e:Observe", "e2e:Outlaw", "e2e:Sleep",
	"e2e:Stubborn", "kill_container:KillContainer", "pause_container:PauseContainer", "reboot_ec2_instance:RebootEC2Instance",
	"run_script:RunScript", "stop_container:StopContainer", "stop_ec2_instance:StopEC2Instance",
	"terminate_ec2_instance:TerminateEC2Instance", "terminate_ec2_instance:TerminateEC2InstanceNotExcluded",
}

func TestHealthAndReadiness(t *testing.T) {
	t.Parallel()
	d := start(t, withoutPlugins())
	for path, status := range map[string]string{"/healthz": "ok", "/readyz": "ready"} {
		doc := d.get(t, path)
		checkMembers(t, path, doc, "status")
		if doc.text("status") != status {
			t.Errorf("%s says %v", path, doc)
		}
	}
}

func TestCatalogue(t *testing.T) {
	t.Parallel()
	d := start(t)
	for _, kind := range []struct {
		name    string
		refs    []string
		members string
	}{
		{"attacks", shippedAttacks, " effect reversible can_dry_run can_list_targets can_check"},
		{"planners", []string{"exact_planner:ExactPlanner", "simple_planner:SimplePlanner"}, ""},
	} {
		path := "/api/1/" + kind.name + "/"
		list := d.get(t, path)
		checkMembers(t, kind.name, list, kind.name+" _links")
		if list.text("_links/self/href") != path {
			t.Errorf("%s: self is %q", path, list.text("_links/self/href"))
		}
		var refs []string
		for _, offer := range list.list(kind.name) {
			ref := offer.text("ref")
			refs = append(refs, ref)
			checkOffer(t, offer, kind.members)
			alone := d.get(t, path+ref)
			if got, want := toJSON(t, alone), toJSON(t, offer); got != want {
				t.Errorf("%s alone is\n%s\nin the list\n%s", ref, got, want)
			}
		}
		if !slices.Equal(refs, kind.refs) {
			t.Errorf("%s: %v, want %v", kind.name, refs, kind.refs)
		}
	}
}

// checkOffer checks one attack or planner of the catalogue.
func checkOffer(t *testing.T, offer document, more string) {
	t.Helper()
	for _, optional := range []string{"aliases", "examples"} {
		if _, given := offer[optional]; given {
			more += " " + optional
		}
	}
	ref := offer.text("ref")
	checkMembers(t, ref, offer, "ref title description version digest schema example _links"+more)
	if offer.text("example/ref") != ref || offer.at("example/args") == nil {
		t.Errorf("%s: its example is %v", ref, offer["example"])
	}
	if offer.at("schema/properties/args") == nil {
		t.Errorf("%s: its schema is %v", ref, offer["schema"])
	}
	if len(offer.text("digest")) != 64 || offer.text("_links/plugin/href") != "/api/1/plugins/" {
		t.Errorf("%s: %v", ref, offer)
	}
}

func TestAnAliasFindsItsAttack(t *testing.T) {
	t.Parallel()
	d := start(t)
	if ref := d.get(t, "/api/1/attacks/api_request.ApiRequest").text("ref"); ref != "api_request:ApiRequest" {
		t.Errorf("the alias finds %q", ref)
	}
	if ref := d.get(t, "/api/1/attacks/api_request%3AApiRequest").text("ref"); ref != "api_request:ApiRequest" {
		t.Errorf("the escaped ref finds %q", ref)
	}
}

func TestPluginsAreListed(t *testing.T) {
	t.Parallel()
	d := start(t)
	list := d.get(t, "/api/1/plugins/")
	checkMembers(t, "the plugins", list, "plugins _links")
	if list.text("_links/self/href") != "/api/1/plugins/" || list.text("_links/rescan/href") != "/api/1/plugins/rescan" {
		t.Errorf("links: %v", list["_links"])
	}
	var files []string
	for _, p := range list.list("plugins") {
		members := "kind path sha256 refs state sdk error"
		if p.text("path") == "testplugin" { // it asks for what it is not granted
			members += " env_refused env_hint"
		}
		checkMembers(t, p.text("path"), p, members)
		files = append(files, p.text("kind")+"/"+p.text("path")+" "+p.text("state"))
		folder := map[string]string{"attack": d.attacks, "planner": d.planners}[p.text("kind")]
		if want := digestOf(t, filepath.Join(folder, p.text("path"))); p.text("sha256") != want {
			t.Errorf("%s: sha256 %s, want %s", p.text("path"), p.text("sha256"), want)
		}
	}
	want := []string{
		"attack/api_request ready", "attack/cme_python ready", "attack/compute ready", "attack/run_script ready",
		"attack/testplugin ready", "planner/cme_python ready", "planner/exact_planner ready", "planner/simple_planner ready",
	}
	if !slices.Equal(files, want) {
		t.Errorf("files %v, want %v", files, want)
	}
}

func TestRescanAnswersWithWhatIsThere(t *testing.T) {
	t.Parallel()
	d := start(t)
	drop(t, built.testPlugin, d.attacks, "extra")
	doc := d.post(t, "/api/1/plugins/rescan", nil, http.StatusOK)
	if p := plugin(doc, "extra"); p.text("state") != "ready" || toJSON(t, p["refs"]) != `["extra:Count"]` {
		t.Errorf("after the rescan: %v", p)
	}
}

// plugin is the document of one file in the list of plugins.
func plugin(list document, path string) document {
	for _, p := range list.list("plugins") {
		if p.text("path") == path {
			return p
		}
	}
	return nil
}

// drop copies a binary into a plugin folder, as the manual says: under a hidden
// name first, then renamed. The name is put behind the program's end, so that
// each copy has a digest of its own: what a file offers is remembered by that.
func drop(t testing.TB, binary, folder, name string) {
	t.Helper()
	content, err := os.ReadFile(binary)
	if err != nil {
		t.Fatal(err)
	}
	dropBytes(t, append(content, name...), folder, name)
}

func dropBytes(t testing.TB, content []byte, folder, name string) {
	t.Helper()
	hidden := filepath.Join(folder, "."+name)
	if err := os.WriteFile(hidden, content, 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.Rename(hidden, filepath.Join(folder, name)); err != nil {
		t.Fatal(err)
	}
}

func digestOf(t testing.TB, path string) string {
	t.Helper()
	content, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	sum := sha256.Sum256(content)
	return hex.EncodeToString(sum[:])
}

// checkMembers fails the test when a document's members are not those named.
func checkMembers(t testing.TB, what string, d document, names string) {
	t.Helper()
	want := strings.Fields(names)
	slices.Sort(want)
	if got := d.members(); got != strings.Join(want, " ") {
		t.Errorf("%s has the members\n%s\nwant\n%s", what, got, strings.Join(want, " "))
	}
}

func toJSON(t testing.TB, v any) string {
	t.Helper()
	text, err := json.Marshal(v)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}
