package main

import (
	"fmt"
	"regexp"
	"strconv"
	"time"
)

// stamp is what the programs tell about where they come from. It is given, not
// looked up: Go's own look at the repository would make builds of one commit
// differ by where they are made.
type stamp struct {
	Version string
	Commit  string // "": unknown
	Time    seconds
}

// plainWord is what may stand in a linker's flag and in a file's name.
var plainWord = regexp.MustCompile(`^[0-9A-Za-z][0-9A-Za-z.+_-]*$`)

func (s stamp) check() error {
	if !plainWord.MatchString(s.Version) {
		return fmt.Errorf("-version: %q is no version", s.Version)
	}
	if s.Commit != "" && !plainWord.MatchString(s.Commit) {
		return fmt.Errorf("-commit: %q is no commit", s.Commit)
	}
	return nil
}

// linkerFlags put the stamp into the daemon. The commit's time is told only with
// the commit.
func (s stamp) linkerFlags() string {
	flags := "-s -w -X main.version=" + s.Version
	if s.Commit != "" {
		flags += " -X main.commit=" + s.Commit + " -X main.commitTime=" + s.Time.instant().Format(time.RFC3339)
	}
	return flags
}

// arguments are the flags that give the stamp to another release program.
func (s stamp) arguments() []string {
	return []string{"-version", s.Version, "-commit", s.Commit, "-time", s.Time.String()}
}

// seconds is an instant, in seconds since 1970. It is a flag.
type seconds int64

// maxSeconds is the last second that the header of an archive can hold as it is:
// 33 bits (POSIX, ustar).
const maxSeconds = 1<<33 - 1

func (s seconds) instant() time.Time { return time.Unix(int64(s), 0).UTC() }

func (s *seconds) String() string { return strconv.FormatInt(int64(*s), 10) }

// Set reads a flag; an empty one, which is what a checkout without a repository
// gives, is 0.
func (s *seconds) Set(text string) error {
	if text == "" {
		text = "0"
	}
	n, err := strconv.ParseInt(text, 10, 64)
	if err != nil || n < 0 || n > maxSeconds {
		return fmt.Errorf("it is not a number of seconds from 0 to %d", int64(maxSeconds))
	}
	*s = seconds(n)
	return nil
}
