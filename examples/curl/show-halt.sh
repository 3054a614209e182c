#!/bin/sh
# Shows the lever: whether it is engaged, by whom and why, and how much of what
# ran is still to be stopped and undone.
#
#   ./show-halt.sh
#
# CMED_URL is where the daemon listens (default http://localhost:5000).
set -eu

curl --silent --show-error --fail-with-body \
	"${CMED_URL:-http://localhost:5000}/api/1/halt"
