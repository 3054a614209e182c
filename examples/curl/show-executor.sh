#!/bin/sh
# Shows an executor with what is known of its run: its state and the reason for
# it, targets, result, undo.
#
#   ./show-executor.sh EXECUTOR_ID
#
# CMED_URL is where the daemon listens (default http://localhost:5000).
set -eu

id=${1:?usage: show-executor.sh EXECUTOR_ID}

curl --silent --show-error --fail-with-body \
	"${CMED_URL:-http://localhost:5000}/api/1/executors/$id"
