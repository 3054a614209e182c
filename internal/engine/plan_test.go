package engine

import (
	"encoding/json"
	"testing"
)

func TestAConfigThatIsNullIsRefused(t *testing.T) {
	for _, doc := range []string{`null`, ` null `} {
		var c Config
		if err := json.Unmarshal([]byte(doc), &c); err != nil {
			t.Fatal(err)
		}
		if got, err := c.With("a:A", nil); err == nil || err.Error() != "read the config: it is null" {
			t.Errorf("%q: %s, %v", doc, got.Doc, err)
		}
	}
}
