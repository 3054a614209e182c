#!/bin/sh
# Lists the executors that are still to run or running, or with "all" every
# executor, ordered by the time at which they run.
#
#   ./list-executors.sh [all]
#
# CMED_URL is where the daemon listens (default http://localhost:5000).
set -eu

query=
if [ "${1:-}" = all ]; then
	query='?executed=true'
fi

curl --silent --show-error --fail-with-body \
	"${CMED_URL:-http://localhost:5000}/api/1/executors/$query"
