#!/bin/sh
# Stops the run of an executor and undoes it; if it has not run yet, it is called
# off.
#
#   ./halt-executor.sh EXECUTOR_ID
#
# CMED_URL is where the daemon listens (default http://localhost:5000).
set -eu

id=${1:?usage: halt-executor.sh EXECUTOR_ID}

curl --silent --show-error --fail-with-body \
	--request POST --header 'Content-Type: application/json' \
	--data '{"reason": "halted by hand"}' \
	"${CMED_URL:-http://localhost:5000}/api/1/executors/$id/halt"
