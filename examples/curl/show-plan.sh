#!/bin/sh
# Shows a plan with its executors.
#
#   ./show-plan.sh PLAN_ID
#
# CMED_URL is where the daemon listens (default http://localhost:5000).
set -eu

id=${1:?usage: show-plan.sh PLAN_ID}

curl --silent --show-error --fail-with-body \
	"${CMED_URL:-http://localhost:5000}/api/1/plans/$id"
