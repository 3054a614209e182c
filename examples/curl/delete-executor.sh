#!/bin/sh
# Deletes an executor. If it is running, it is stopped and undone first.
#
#   ./delete-executor.sh EXECUTOR_ID
#
# CMED_URL is where the daemon listens (default http://localhost:5000).
set -eu

id=${1:?usage: delete-executor.sh EXECUTOR_ID}

curl --silent --show-error --fail-with-body --request DELETE \
	"${CMED_URL:-http://localhost:5000}/api/1/executors/$id"
