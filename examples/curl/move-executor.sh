#!/bin/sh
# Gives an executor that has not run another time.
#
#   ./move-executor.sh EXECUTOR_ID DATE
#   ./move-executor.sh 0190a1b2c3d47e5f8091a2b3c4d5e6f7 2030-10-23T19:19
#
# A date without an offset is in the daemon's time zone.
#
# CMED_URL is where the daemon listens (default http://localhost:5000).
set -eu

id=${1:?usage: move-executor.sh EXECUTOR_ID DATE}
date=${2:?usage: move-executor.sh EXECUTOR_ID DATE}

curl --silent --show-error --fail-with-body \
	--request PUT --header 'Content-Type: application/json' \
	--data '{"type": "date", "args": {"date": "'"$date"'"}}' \
	"${CMED_URL:-http://localhost:5000}/api/1/executors/$id"
