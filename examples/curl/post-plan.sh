#!/bin/sh
# Posts a plan from a file. With a date, that one takes the place of the date in
# the file, so that a plan for exact_planner can be tried at any time.
#
#   ./post-plan.sh FILE [DATE]
#   ./post-plan.sh ../plans/simple-api-request.json
#   ./post-plan.sh ../plans/exact-api-request.json "$(( $(date +%s) + 5 ))"
#
# The answer is the plan as the daemon keeps it. Its id is what show-plan.sh,
# halt-plan.sh and delete-plan.sh take.
#
# CMED_URL is where the daemon listens (default http://localhost:5000).
set -eu

file=${1:?usage: post-plan.sh FILE [DATE]}
if [ $# -gt 1 ]; then
	plan=$(sed 's|"date": *"[^"]*"|"date": "'"$2"'"|' "$file")
else
	plan=$(cat "$file")
fi

printf '%s' "$plan" | curl --silent --show-error --fail-with-body \
	--header 'Content-Type: application/json' --data-binary @- \
	"${CMED_URL:-http://localhost:5000}/api/1/plans/"
