package main

import (
	"fmt"
	"runtime"
	"slices"
	"strings"
)

// platform is an operating system and an architecture, in Go's words.
type platform struct{ os, arch string }

func (p platform) String() string { return p.os + "/" + p.arch }

// here is the platform that this program runs on.
var here = platform{runtime.GOOS, runtime.GOARCH}

// everyPlatform is what a release has archives for.
var everyPlatform = platforms{{"linux", "amd64"}, {"linux", "arm64"}, {"darwin", "amd64"}, {"darwin", "arm64"}}

// platforms is some of them. It is a flag.
type platforms []platform

func (p *platforms) String() string {
	names := make([]string, len(*p))
	for i, one := range *p {
		names[i] = one.String()
	}
	return strings.Join(names, ",")
}

// Set reads a flag.
func (p *platforms) Set(text string) error {
	var wanted platforms
	for name := range strings.SplitSeq(text, ",") {
		i := slices.IndexFunc(everyPlatform, func(one platform) bool { return one.String() == name })
		if i < 0 {
			return fmt.Errorf("%q is none of %s", name, &everyPlatform)
		}
		if !slices.Contains(wanted, everyPlatform[i]) {
			wanted = append(wanted, everyPlatform[i])
		}
	}
	*p = wanted
	return nil
}
