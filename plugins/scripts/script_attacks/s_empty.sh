#!/bin/sh
# s_empty.sh does nothing: it tries out the way to a machine.
#
# It takes no variables, makes nothing, and ends at once with status 0; with
# CMED_UNDO=1 too, for there is nothing to take back.
echo "empty: nothing is done to $(uname -n)"
