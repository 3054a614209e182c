// Command release makes what cmed is installed from: an archive for each platform
// with the checksums of all, and the file system of the image. What is in them and
// how it is built is decided here and nowhere else. The same sources, stamp and Go
// make the same bytes, wherever and whenever they are built; "release check" builds
// twice and compares. "make dist", "make dist-check" and the Dockerfile run it.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/signal"
	"syscall"
)

const usage = `usage: release archives|image|check [flags]

  archives  build the archives and SHA256SUMS into the folder -out
  image     build the file system of the image into the folder -out
  check     build the archives twice, in two places, and compare them
`

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGINT, syscall.SIGTERM)
	err := run(ctx, os.Args[1:], os.Stdout)
	stop()
	switch {
	case errors.Is(err, flag.ErrHelp):
	case err != nil:
		fmt.Fprintln(os.Stderr, "release:", err)
		os.Exit(1)
	}
}

// order is what the command line asks for.
type order struct {
	stamp        stamp
	out          string
	platforms    platforms
	certificates string
	cold         bool
}

// run obeys one command line.
func run(ctx context.Context, args []string, stdout io.Writer) error {
	if len(args) == 0 {
		return fmt.Errorf("what is to be made? %s", usage)
	}
	o := order{platforms: everyPlatform}
	flags := flag.NewFlagSet("release "+args[0], flag.ContinueOnError)
	flags.SetOutput(io.Discard) // main tells the error, without all the flags
	flags.StringVar(&o.stamp.Version, "version", "0-dev", "`version` that cmed tells")
	flags.StringVar(&o.stamp.Commit, "commit", "", "`commit` that cmed tells")
	flags.Var(&o.stamp.Time, "time", "`time` of the commit in seconds since 1970, and of all files")
	flags.StringVar(&o.out, "out", "dist", "`folder` to write to")
	switch args[0] {
	case "archives", "check":
		flags.Var(&o.platforms, "platforms", "`os/arch` of the archives, separated by commas")
		if args[0] == "check" {
			flags.BoolVar(&o.cold, "cold", false, "build the second time without Go's cache: takes minutes")
		}
	case "image":
		flags.StringVar(&o.certificates, "certificates", "/etc/ssl/certs/ca-certificates.crt", "PEM `file` of the authorities that the image trusts")
	default:
		return fmt.Errorf("%q is nothing that can be made; %s", args[0], usage)
	}
	if err := flags.Parse(args[1:]); err != nil {
		if errors.Is(err, flag.ErrHelp) {
			flags.SetOutput(stdout)
			flags.PrintDefaults()
		}
		return err
	}
	if flags.NArg() > 0 {
		return fmt.Errorf("%q: there are only flags behind %s", flags.Arg(0), args[0])
	}
	if err := o.stamp.check(); err != nil {
		return err
	}
	switch args[0] {
	case "archives":
		return makeArchives(ctx, o, stdout)
	case "image":
		return makeImage(ctx, o)
	default:
		return checkTwice(ctx, o, stdout)
	}
}
