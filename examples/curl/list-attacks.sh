#!/bin/sh
# Lists the attacks that plans can use, each with its schema and an example.
#
#   ./list-attacks.sh
#
# CMED_URL is where the daemon listens (default http://localhost:5000).
set -eu

curl --silent --show-error --fail-with-body \
	"${CMED_URL:-http://localhost:5000}/api/1/attacks/"
