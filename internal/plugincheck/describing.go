package plugincheck

import (
	"context"
	"strings"
	"time"
)

// quick is how long a plugin may take to say what it offers, or to plan. A
// daemon waits for 5 s; a machine under load takes its share.
const quick = 2 * time.Second

// describingChecks look at how a plugin says what it offers. By the time they
// are made it has been asked in every way there is.
var describingChecks = []check{
	{
		id:    "describe-argument",
		title: `called with "describe", it prints what it offers, with an empty environment and no input`,
		hint:  `print the description as JSON on standard output when the only argument is "describe"; a plugin of the Go SDK does, once its main calls sdk.Serve`,
		run:   describesItself,
	},
	{
		id:      "describe-exit",
		title:   `called with "describe", it ends by itself with exit code 0`,
		hint:    "exit with 0 as soon as the description is printed, and start nothing that goes on",
		applies: describedByArgument,
		run:     endsWell,
	},
	{
		id:      "describe-clean",
		title:   "it prints its description and nothing else",
		hint:    "print everything but the description to standard error",
		applies: describedByArgument,
		run:     describesCleanly,
	},
	{
		id:      "describe-members",
		title:   "its description has only members that a daemon knows",
		hint:    "a misspelt member is ignored without a word; docs/protocol.md lists them all",
		applies: describedByArgument,
		run:     describesKnownMembers,
	},
	{
		id:      "protocol",
		title:   "it speaks this daemon's version of the protocol",
		hint:    "rebuild it with an SDK of this release",
		applies: describedByArgument,
		run:     speaksProtocol,
	},
	{
		id:    "handshake",
		title: "started by a daemon, it serves, and its handshake is the first thing it prints",
		hint:  "print nothing to standard output before serving; logs go to standard error, or to the run's log",
		run:   shakesHands,
	},
	{
		id:      "describe-rpc",
		title:   "started by a daemon, it answers Describe",
		hint:    "answer the RPC Describe with the same as the describe argument",
		applies: serves,
		run:     describesByRPC,
	},
	{
		id:      "describe-same",
		title:   "it says the same each time and in both ways",
		hint:    "make both answers of the same data; no times, random numbers or maps in their own order",
		applies: describedAnyhow,
		run:     describesTheSame,
	},
	{
		id:      "describe-quick",
		title:   "it says within " + quick.String() + " what it offers",
		hint:    "do nothing before it is asked for: connect, read and compute when a run needs it",
		applies: describedAnyhow,
		run:     describesQuickly,
	},
	{
		id:      "describe-harmless",
		title:   "saying what it offers changes no file and uses no network",
		hint:    "do nothing before a run or a plan is asked for",
		applies: needsSandbox,
		run: func(_ context.Context, s *subject) verdict {
			return onceDescribed(s, untouched(s.saw.of("describe-")))
		},
	},
	{
		id:    "describe-stdout",
		title: "while it says what it offers over RPC, it prints nothing to standard output",
		hint:  "standard output belongs to the protocol; print to standard error",
		run: func(_ context.Context, s *subject) verdict {
			v := silent(s.saw.of("describe-"))
			if reason := serves(s); v.outcome == Passed && reason != "" {
				return notRun("%s", reason)
			}
			return v
		},
	},
	{
		id:    "describe-leftovers",
		title: "no process is left when it has said what it offers",
		hint:  "start no process before a run needs one, and wait for each",
		run: func(_ context.Context, s *subject) verdict {
			return onceDescribed(s, alone(s.saw.of("describe-")))
		},
	},
	{
		id:      "sdk",
		title:   "it says what it was built with",
		hint:    `name the library and its version in "sdk", such as "cmed-sdk-go/0.2.0"; of use when it must be rebuilt`,
		applies: described,
		run: func(_ context.Context, s *subject) verdict {
			if strings.TrimSpace(s.described.SDK) == "" {
				return failed("the description has no sdk")
			}
			return passed()
		},
	},
	{
		id:      "offers",
		title:   "it offers an attack or a planner",
		hint:    "hand an sdk.Attack or an sdk.Planner to sdk.Serve",
		applies: described,
		run:     offersSomething,
	},
	{
		id:      "offers-all",
		title:   "it can offer everything that it has",
		hint:    "mend what the warnings name",
		applies: described,
		run: func(_ context.Context, s *subject) verdict {
			if warnings := s.described.Warnings; len(warnings) > 0 {
				return failed("it warns: %s", strings.Join(warnings, "; "))
			}
			return passed()
		},
	},
}

// servingCheck is made last: it finds what no other check has found.
var servingCheck = check{
	id:      "serves",
	title:   "a daemon serves what it offers",
	hint:    "see cmed plugins",
	applies: described,
	run:     isServed,
}
