#!/bin/sh
# Shows what a plan from a file would do if it were posted now: its executors
# with their times and, where the attack can tell, the targets it would hit.
# Nothing is stored and nothing will run. With a date, that one takes the place
# of the date in the file.
#
#   ./preview-plan.sh FILE [DATE]
#   ./preview-plan.sh ../plans/simple-api-request.json
#
# A plan with "dry_run": true is another thing: it is posted with post-plan.sh
# and runs at its time, but the attack only reports what it would do.
#
# CMED_URL is where the daemon listens (default http://localhost:5000).
set -eu

file=${1:?usage: preview-plan.sh FILE [DATE]}
if [ $# -gt 1 ]; then
	plan=$(sed 's|"date": *"[^"]*"|"date": "'"$2"'"|' "$file")
else
	plan=$(cat "$file")
fi

printf '%s' "$plan" | curl --silent --show-error --fail-with-body \
	--header 'Content-Type: application/json' --data-binary @- \
	"${CMED_URL:-http://localhost:5000}/api/1/plans/?dry_run=true"
