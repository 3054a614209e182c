#!/bin/sh
# Lists the planners that plans can use, each with its schema and an example.
#
#   ./list-planners.sh
#
# CMED_URL is where the daemon listens (default http://localhost:5000).
set -eu

curl --silent --show-error --fail-with-body \
	"${CMED_URL:-http://localhost:5000}/api/1/planners/"
