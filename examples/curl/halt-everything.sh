#!/bin/sh
# Engages the lever: nothing starts any more, and everything that runs is stopped
# and undone. It stays so, also when the daemon is restarted, until
# release-halt.sh. Engaging it again is harmless.
#
#   ./halt-everything.sh [REASON]
#   ./halt-everything.sh "the shop is down"
#
# CMED_URL is where the daemon listens (default http://localhost:5000).
set -eu

reason=$(printf '%s' "${1:-halted by hand}" | sed 's/["\\]/\\&/g')

curl --silent --show-error --fail-with-body \
	--request PUT --header 'Content-Type: application/json' \
	--data '{"reason": "'"$reason"'"}' \
	"${CMED_URL:-http://localhost:5000}/api/1/halt"
