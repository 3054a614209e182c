#!/bin/sh
# Stops what runs of a plan and undoes it; what has not run yet is called off.
#
#   ./halt-plan.sh PLAN_ID
#
# CMED_URL is where the daemon listens (default http://localhost:5000).
set -eu

id=${1:?usage: halt-plan.sh PLAN_ID}

curl --silent --show-error --fail-with-body \
	--request POST --header 'Content-Type: application/json' \
	--data '{"reason": "halted by hand"}' \
	"${CMED_URL:-http://localhost:5000}/api/1/plans/$id/halt"
