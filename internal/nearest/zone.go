package nearest

import (
	"strings"
	"time"
	"unicode"
	"unicode/utf8"
)

// regions are the folders of the IANA time zone database that names of cities are in.
var regions = []string{
	"", "Europe/", "America/", "Asia/", "Africa/", "Australia/", "Pacific/", "Atlantic/", "Indian/",
	"America/Argentina/", "America/Indiana/", "America/Kentucky/", "America/North_Dakota/",
}

// longestZone bounds the names looked for, in bytes.
const longestZone = 40

// Zone returns the IANA name of the zone that a name most likely means which is none:
// a city alone, with blanks, or in other letters; "" when none is found.
func Zone(name string) string {
	if name == "" || len(name) > longestZone {
		return ""
	}
	name = strings.ReplaceAll(strings.TrimSpace(name), " ", "_")
	for _, spelling := range []string{name, strings.ToUpper(name), capitalized(name)} {
		for _, region := range regions {
			zone := region + spelling
			if _, err := time.LoadLocation(zone); err == nil && spelling != "" && zone != "Local" {
				return zone
			}
		}
	}
	return ""
}

// capitalized begins each word of a name with a capital and goes on in small letters.
func capitalized(name string) string {
	begins := true
	return strings.Map(func(r rune) rune {
		first := begins
		begins = r == '/' || r == '_' || r == '-'
		if first {
			return unicode.ToUpper(r)
		}
		return unicode.ToLower(r)
	}, strings.ToValidUTF8(name, string(utf8.RuneError)))
}
