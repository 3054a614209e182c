package scaffold

import (
	"fmt"
	"regexp"
	"strings"
	"unicode"
)

// names are what a plugin is called in its places: cpu-burner is the attack
// cpu_burner:CpuBurner.
type names struct {
	file  string // of the binary and, if nobody says otherwise, of the folder
	ref   string
	title string
}

var (
	properName = regexp.MustCompile(`^[A-Za-z][A-Za-z0-9_-]*$`)
	properPath = regexp.MustCompile(`^[A-Za-z0-9][A-Za-z0-9._~-]*(/[A-Za-z0-9][A-Za-z0-9._~-]*)*$`)
)

const longestName = 60

func namesOf(name string) (names, error) {
	switch {
	case name == "":
		return names{}, refusef("a name is missing, such as cpu-burner")
	case !properName.MatchString(name):
		return names{}, refusef("%q can't be the name: it is made of letters of ASCII, digits, dashes and underscores, "+
			"and begins with a letter, such as cpu-burner", name)
	case len(name) > longestName:
		return names{}, refusef("%q can't be the name: it is longer than %d letters", name, longestName)
	case strings.EqualFold(name, "Makefile"):
		return names{}, refusef("%q can't be the name: there is a file of that name in the module", name)
	}
	all := words(name)
	var camel strings.Builder
	for _, w := range all {
		camel.WriteString(capital(w))
	}
	return names{
		file:  name,
		ref:   strings.Join(all, "_") + ":" + camel.String(),
		title: capital(strings.Join(all, " ")),
	}, nil
}

// words are the parts of a name, in small letters: those of CpuBurner are cpu and
// burner.
func words(name string) []string {
	var apart strings.Builder
	last := ' '
	for _, r := range name {
		if unicode.IsUpper(r) && (unicode.IsLower(last) || unicode.IsDigit(last)) {
			apart.WriteRune(' ')
		}
		apart.WriteRune(r)
		last = r
	}
	return strings.FieldsFunc(strings.ToLower(apart.String()), func(r rune) bool { return r == ' ' || r == '-' || r == '_' })
}

func capital(s string) string { return strings.ToUpper(s[:1]) + s[1:] }

// Refused is an error that whoever asked can mend.
type Refused struct{ Reason string }

func (r *Refused) Error() string { return r.Reason }

func refusef(format string, args ...any) error { return &Refused{fmt.Sprintf(format, args...)} }
