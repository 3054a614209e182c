package main

import (
	"context"
	"errors"

	"github.com/chaos-monkey-engine/cmed/sdk"
)

func (a attack) checkCall(ctx context.Context, args scriptArgs, call *sdk.CheckCall) error {
	warnings, err := a.check(ctx, args)
	for _, warning := range warnings {
		call.Warn("%s", warning)
	}
	return err
}

// check looks at the args when a plan is made. What contradicts itself, or leads
// out of the scripts folder, is an error; what a run would fail for as things are
// now is a warning.
func (a attack) check(ctx context.Context, args scriptArgs) (warnings []string, err error) {
	if err := args.check(); err != nil {
		return nil, err
	}
	if err := a.targeting.Check(args.Args); err != nil {
		return nil, err
	}
	if len(args.Hosts) == 0 {
		if warnings, err = a.targeting.Warnings(ctx, args.Args); err != nil {
			return nil, err
		}
	}
	_, err = readScripts(args)
	if errors.Is(err, errOutside) {
		return nil, err
	}
	_, missing := args.SSH.login()
	if err != nil {
		missing = append([]error{err}, missing...)
	}
	_, unknown := args.SSH.hostKeys("")
	pinned := args.pinnedHosts()
	if unknown != nil && pinned == 0 {
		missing = append(missing, unknown)
	}
	for _, err := range missing {
		warnings = append(warnings, "as things are now, every run will fail: "+err.Error())
	}
	if unknown != nil && pinned > 0 && pinned < len(args.Hosts) {
		warnings = append(warnings, "as things are now, a run on a host without a host_key will fail: "+unknown.Error())
	}
	return warnings, nil
}

// pinnedHosts is how many of the hosts have a host key of their own.
func (a scriptArgs) pinnedHosts() int {
	pinned := 0
	for _, h := range a.Hosts {
		if h.HostKey != "" {
			pinned++
		}
	}
	return pinned
}
