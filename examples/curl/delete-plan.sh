#!/bin/sh
# Deletes a plan with its executors. What runs of it is stopped and undone first.
#
#   ./delete-plan.sh PLAN_ID
#
# CMED_URL is where the daemon listens (default http://localhost:5000).
set -eu

id=${1:?usage: delete-plan.sh PLAN_ID}

curl --silent --show-error --fail-with-body --request DELETE \
	"${CMED_URL:-http://localhost:5000}/api/1/plans/$id"
