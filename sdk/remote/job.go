package remote

import (
	"fmt"
	"path"
	"regexp"
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"
)

var (
	keyForm  = regexp.MustCompile(`^[A-Za-z0-9][A-Za-z0-9._-]{0,127}$`)
	nameForm = regexp.MustCompile(`^[A-Za-z_][A-Za-z0-9_]*$`)
)

// fixed are variables that a shell keeps to itself; assigning one ends it.
var fixed = []string{"BASHOPTS", "BASH_VERSINFO", "CMED_JOB", "EUID", "OPTIND", "PPID", "SHELLOPTS", "UID"}

// check returns an error for a job that can't be put into a shell's words, or
// would mean something else there.
func (j Job) check() error {
	if !keyForm.MatchString(j.Key) {
		return fmt.Errorf("the job's key %q is not of letters, digits, dots, dashes and underscores", j.Key)
	}
	if err := checkPath(j.Path); err != nil {
		return err
	}
	for i, arg := range j.Args {
		if strings.ContainsRune(arg, 0) {
			return fmt.Errorf("argument %d of the script holds a NUL byte, which no program can be given", i+1)
		}
	}
	for name, value := range j.Env {
		switch {
		case !nameForm.MatchString(name):
			return fmt.Errorf("%q can't be the name of an environment variable", name)
		case slices.Contains(fixed, name):
			return fmt.Errorf("the environment variable %s can't be set: shells, or this package, keep it to themselves", name)
		case strings.ContainsRune(value, 0):
			return fmt.Errorf("the environment variable %s holds a NUL byte, which no program can be given", name)
		}
	}
	return nil
}

func checkPath(p string) error {
	switch {
	case !path.IsAbs(p):
		return fmt.Errorf("the script's path %q on the machine is not absolute", p)
	case !utf8.ValidString(p) || strings.ContainsFunc(p, unicode.IsControl):
		return fmt.Errorf("the script's path %q on the machine holds control characters", p)
	case path.Clean(p) != p || p == "/":
		return fmt.Errorf("the script's path %q on the machine is not a plain path to a file", p)
	}
	return nil
}
