#!/bin/sh
# Lists the plans that are not yet executed, or with "all" every plan, newest
# first.
#
#   ./list-plans.sh [all]
#
# CMED_URL is where the daemon listens (default http://localhost:5000).
set -eu

query=
if [ "${1:-}" = all ]; then
	query='?all=true'
fi

curl --silent --show-error --fail-with-body \
	"${CMED_URL:-http://localhost:5000}/api/1/plans/$query"
