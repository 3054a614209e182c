package docs_test

import (
	"crypto/sha256"
	"encoding/base64"
	"encoding/xml"
	"errors"
	"io"
	"regexp"
	"strings"
	"testing"

	"github.com/chaos-monkey-engine/cmed/internal/httpapi/docs"
	"github.com/chaos-monkey-engine/cmed/internal/httpapi/openapi"
)

const evil = `<script>alert("x")</script><img src=x onerror=alert(1)> & "quoted" 'single'`

// rendered is the page of a small API, with an attack that means ill.
func rendered(t *testing.T) string {
	t.Helper()
	doc, err := openapi.New(openapi.Sources{
		Operations: []openapi.Operation{
			{Method: "GET", Path: "/healthz", Name: "health"},
			{Method: "POST", Path: "/api/1/plans/", Name: "create_plan", Role: "operator"},
			{Method: "GET", Path: "/", Name: "entry", Role: "viewer"},
			{Method: "GET", Path: "/api/1/", Name: "entry", Role: "viewer"},
		},
		Bodies: bodies, Words: words,
	})
	if err != nil {
		t.Fatal(err)
	}
	page, err := docs.Render(doc.With([]openapi.Offer{{
		Attack: true, Ref: `a:<b>"`, Aliases: []string{"</code>"}, Title: evil, Description: evil + "\n\n- " + evil + "\n\n`" + evil + "` **x" + evil + "**",
		Schema: []byte(`{"type":"object","properties":{"args":{"properties":{"<i>":{"description":"` + strings.ReplaceAll(evil, `"`, `\"`) +
			`","enum":["<u>"],"default":"<s>","writeOnly":true},"deep":{"properties":{"inside":{"type":"integer","minimum":4}}}}}}}`),
		Examples: [][]byte{[]byte(`{"ref":"x","args":{"<i>":"<u>"}}`)},
	}}))
	if err != nil {
		t.Fatal(err)
	}
	return string(page)
}

// Descriptions come from plugins, which anybody may have written.
func TestNothingOfAPluginIsMarkup(t *testing.T) {
	page := rendered(t)
	for _, tag := range []string{"<script", "<img", "<i>", "<u>", "<s>", "<b>"} {
		if strings.Contains(page, tag) {
			t.Errorf("the page has %s", tag)
		}
	}
	if !strings.Contains(page, "&lt;script&gt;") {
		t.Error("the description is not shown")
	}
	decoder := xml.NewDecoder(strings.NewReader(page))
	decoder.Strict, decoder.AutoClose, decoder.Entity = false, []string{"meta"}, xml.HTMLEntity
	for {
		token, err := decoder.Token()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			t.Fatal(err)
		}
		if start, ok := token.(xml.StartElement); ok {
			for _, a := range start.Attr {
				if strings.HasPrefix(a.Name.Local, "on") || a.Name.Local == "style" || a.Name.Local == "src" {
					t.Errorf("<%s> has %s=%q", start.Name.Local, a.Name.Local, a.Value)
				}
			}
		}
	}
}

func TestThePolicyAllowsTheStyleAndNothingElse(t *testing.T) {
	style := regexp.MustCompile(`(?s)<style>(.*?)</style>`).FindStringSubmatch(rendered(t))
	if style == nil {
		t.Fatal("the page has no style")
	}
	sum := sha256.Sum256([]byte(style[1]))
	want := "default-src 'none'; style-src 'sha256-" + base64.StdEncoding.EncodeToString(sum[:]) +
		"'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
	if docs.ContentSecurityPolicy != want {
		t.Errorf("the policy is %s\nwant %s", docs.ContentSecurityPolicy, want)
	}
}

// Each link within the page leads somewhere, and no anchor is there twice.
func TestAnchors(t *testing.T) {
	page := rendered(t)
	anchors := map[string]int{}
	for _, found := range regexp.MustCompile(` id="([^"]*)"`).FindAllStringSubmatch(page, -1) {
		anchors[found[1]]++
	}
	for anchor, n := range anchors {
		if n > 1 {
			t.Errorf("the anchor %s is there %d times", anchor, n)
		}
	}
	links := regexp.MustCompile(` href="([^"]*)"`).FindAllStringSubmatch(page, -1)
	for _, found := range links {
		if name, within := strings.CutPrefix(found[1], "#"); within && anchors[name] == 0 || !within && found[1] != "/api/1/openapi.json" {
			t.Errorf("the link %s leads nowhere", found[1])
		}
	}
	for _, anchor := range []string{"create_plan", "health", "entry", "schema-Plan", "schema-attack.a..b..", "attacks"} {
		if len(links) == 0 || anchors[anchor] == 0 {
			t.Errorf("there is no anchor %s", anchor)
		}
	}
}

func TestThePageTellsWhatThereIsToKnow(t *testing.T) {
	page := regexp.MustCompile(`<[^>]*>|\s+`).ReplaceAllString(rendered(t), " ")
	page = strings.Join(strings.Fields(page), " ")
	for _, text := range []string{
		"POST /api/1/plans/ operator", "GET / , also /api/1/ viewer", "GET /healthz nobody", "Idempotency-Key string",
		"422 KeyReused", "inside integer · at least 4", "secret: never shown", "night shift",
	} {
		if !strings.Contains(page, text) {
			t.Errorf("the page does not say %q", text)
		}
	}
}
