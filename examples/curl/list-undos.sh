#!/bin/sh
# Lists the undo records that are not settled: harm that is still to be taken
# back, or could not be.
#
#   ./list-undos.sh
#
# CMED_URL is where the daemon listens (default http://localhost:5000).
set -eu

curl --silent --show-error --fail-with-body \
	"${CMED_URL:-http://localhost:5000}/api/1/undos/"
