package scaffold

import (
	"bufio"
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"strings"
)

// sdkModule is the module that has the SDK in it.
const sdkModule = "github.com/chaos-monkey-engine/cmed"

// cloneAt finds the sources of cmed a path lies in; "" when it lies in none.
func cloneAt(path string) string {
	for at := path; ; at = filepath.Dir(at) {
		if isClone(at) {
			return at
		}
		if at == filepath.Dir(at) {
			return ""
		}
	}
}

// isClone says whether the folder holds the sources of cmed.
func isClone(folder string) bool {
	text, err := os.ReadFile(filepath.Join(folder, "go.mod")) //nolint:gosec // only its first lines are looked at
	if err != nil {
		return false
	}
	for lines := bufio.NewScanner(bytes.NewReader(text)); lines.Scan(); {
		if fields := strings.Fields(lines.Text()); len(fields) >= 2 && fields[0] == "module" {
			return strings.Trim(fields[1], `"`) == sdkModule
		}
	}
	return false
}

// sourcesFor returns the sources that a module is to be built against, as an absolute
// path: the module can be moved, also out of them. "" is the release. They are those
// that asked names, or those that one of the places lies in.
func sourcesFor(asked string, places []string) (string, error) {
	if asked != "" {
		absolute, err := filepath.Abs(asked)
		if err != nil {
			return "", fmt.Errorf("resolve %s: %w", asked, err)
		}
		if !isClone(absolute) {
			return "", refusef("%s does not hold the sources of cmed: there is no go.mod of %s in it", asked, sdkModule)
		}
		return absolute, nil
	}
	for _, place := range places {
		if place == "" {
			continue
		}
		if found := cloneAt(place); found != "" {
			return found, nil
		}
	}
	return "", nil
}
