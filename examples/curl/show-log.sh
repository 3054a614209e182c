#!/bin/sh
# Prints the log of an executor's run, or with "follow" prints it as it grows
# until the run is over.
#
#   ./show-log.sh EXECUTOR_ID [follow]
#
# CMED_URL is where the daemon listens (default http://localhost:5000).
set -eu

id=${1:?usage: show-log.sh EXECUTOR_ID [follow]}
query=
if [ "${2:-}" = follow ]; then
	query='?follow=true'
fi

curl --silent --show-error --fail-with-body --no-buffer \
	"${CMED_URL:-http://localhost:5000}/api/1/executors/$id/log$query"
