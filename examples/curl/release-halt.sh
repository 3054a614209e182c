#!/bin/sh
# Releases the lever: executors start again when they are due. Those that came
# due meanwhile stay blocked. A halt file must be removed first.
#
#   ./release-halt.sh
#
# CMED_URL is where the daemon listens (default http://localhost:5000).
set -eu

curl --silent --show-error --fail-with-body --request DELETE \
	"${CMED_URL:-http://localhost:5000}/api/1/halt"
