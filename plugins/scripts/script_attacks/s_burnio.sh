#!/bin/sh
# s_burnio.sh keeps a disk busy for a while: it writes a scratch file over and
# over, forces it to the disk, and reads it.
#
#   DURATION   how long: a number with s, m or h, or of seconds; 1s to 1h.
#              Default 60s.
#   SIZE       the size of the scratch file: a number with M or G (MiB, GiB); 1M
#              to 16G, and at most half of what is free. Default 64M.
#   DIR        the folder for the scratch file, on the disk to hit: an absolute
#              path. Default /var/tmp.
#   STATE_DIR  where it puts on file what is to be taken back: an absolute path.
#              Default /var/tmp.
#   CMED_JOB   names the run: letters, digits, dots, dashes, underscores.
#              Default by-hand.
#   CMED_UNDO  1: only take back what an earlier run of the same CMED_JOB left, or
#              of the one that CMED_UNDO_JOB names.
#
# It ends by itself and removes its scratch file, also when it is told to end
# (TERM, INT, HUP). If it is killed, the writing ends after the next 8 MiB, and
# the file stays until it is called with CMED_UNDO=1.
# Exit status: 0 done, 2 bad input, 1 anything else.
name=burnio

# --- the same in all scripts ---
set -uf
umask 077
LC_ALL=C
export LC_ALL

say() { printf '%s: %s\n' "$name" "$*"; }

# fail WORDS ends the script, and refuse WORDS for bad input.
fail() {
	printf '%s: %s\n' "$name" "$*" >&2
	exit 1
}

refuse() {
	printf '%s: %s\n' "$name" "$*" >&2
	exit 2
}

# read_number VARIABLE VALUE LEAST MOST RANGE UNIT=FACTOR... sets number, which
# is VALUE in the unit whose factor is 1.
read_number() {
	variable=$1 value=$2 least=$3 most=$4 range=$5
	shift 5
	digits=${value%[!0-9]}
	number=-1
	case $digits in
	'' | *[!0-9]* | ?????????*) ;;
	*)
		for known in "$@"; do
			if [ "$value" = "$digits${known%=*}" ]; then
				while [ "$digits" != "${digits#0}" ] && [ "$digits" != 0 ]; do digits=${digits#0}; done
				number=$((digits * ${known#*=}))
			fi
		done
		;;
	esac
	if [ "$number" -lt "$least" ] || [ "$number" -gt "$most" ]; then
		refuse "$variable is not $range"
	fi
}

job=${CMED_JOB:-by-hand}
[ "${CMED_UNDO:-}" != 1 ] || job=${CMED_UNDO_JOB:-$job}
case $job in
.* | -* | *[!A-Za-z0-9._-]*) refuse "CMED_JOB has other characters than letters, digits, dots, dashes and underscores" ;;
esac
[ "${#job}" -le 128 ] || refuse "CMED_JOB is longer than 128 characters"
place=${STATE_DIR:-/var/tmp}
folder=$place/cmed-scripts-$(id -u)
state=$folder/$name-$job

# started_at PID prints when a process started, in words that only have to be
# compared; nothing when there is no such process.
started_at() {
	if [ -e /proc/self/stat ]; then
		read -r stat 2>/dev/null <"/proc/$1/stat" || return 0
		set -- ${stat##*) }
		[ "$1" = Z ] || printf '%s' "${20}"
	else
		ps -o lstart= -p "$1" 2>/dev/null
	fi
}

# remember LINES puts on file, before it is done, what is to be taken back.
remember() {
	case $place in
	/*) ;;
	*) refuse "STATE_DIR is not an absolute path" ;;
	esac
	[ -d "$place" ] || refuse "STATE_DIR is not a folder: $place"
	mkdir "$folder" 2>/dev/null
	is_mine || fail "$folder is not a folder of this user's own"
	[ ! -e "$state" ] || fail "this job has run before; with CMED_UNDO=1 this script takes back what is left of it"
	printf '%s\n' "pid $$" "start $(started_at $$)" "$@" >"$state.new" && mv "$state.new" "$state" ||
		fail "what is to be taken back can't be written to $state"
}

is_mine() { [ -d "$folder" ] && [ ! -h "$folder" ] && [ -O "$folder" ]; }

# recall KEY prints what is on file.
recall() {
	while IFS= read -r line; do
		case $line in "$1 "*) printf '%s' "${line#* }" ;; esac
	done <"$state"
}

# forget removes the file, and the folder with the last one.
forget() {
	rm -f "$state" "$state.new"
	rmdir "$folder" 2>/dev/null
}

# leave is how the script ends, whatever happened.
leave() {
	status=$?
	trap '' TERM INT HUP
	trap - EXIT
	[ -z "${child:-}" ] || { kill "$child" && wait "$child"; } 2>/dev/null
	if [ -e "$state" ] && [ "$(recall pid)" = $$ ]; then
		take_back || fail "not all could be taken back; CMED_UNDO=1 tries again"
		forget
	fi
	exit "$status"
}

# attend runs a command to its end, heeding signals meanwhile.
attend() {
	"$@" </dev/null >/dev/null 2>&1 &
	child=$!
	wait "$child"
	status=$?
	child=
	return "$status"
}

# hold waits until so many seconds are over.
hold() {
	left=$1
	# No $(...) in here: bash may lose a signal that comes while it reads one.
	while [ "$left" -gt 0 ]; do
		attend sleep 1
		left=$((left - 1))
	done
}

# free prints how many MiB of the folder's disk can be used.
free() {
	set -- $(df -Pk "$1" 2>/dev/null | tail -n 1)
	case ${4:-} in
	'' | *[!0-9]*) fail "df doesn't say how much is free" ;;
	esac
	printf '%s' "$(($4 / 1024))"
}

# nothing ends an undo that finds nothing on file. Of a job that did run that may
# mean that the undo looks in another place.
nothing() {
	say "nothing to take back"
	[ -z "${CMED_UNDO_JOB:-}" ] ||
		say "$job has nothing on file in $folder: it took everything back by itself, did nothing yet, or ran with another STATE_DIR or as another user" >&2
	exit 0
}

# undo takes back what an earlier run of the job left, having ended that run if
# it is still there.
undo() {
	[ -e "$folder" ] || nothing
	is_mine || fail "$folder is not a folder of this user's own"
	if [ ! -e "$state" ]; then
		forget
		nothing
	fi
	pid=$(recall pid) start=$(recall start)
	tries=0 signal=TERM
	while [ -n "$start" ] && [ "$(started_at "$pid")" = "$start" ]; do
		[ "$tries" -lt 100 ] || signal=KILL
		[ "$tries" -lt 150 ] || fail "the process $pid of this job can't be ended"
		kill -s "$signal" "$pid" 2>/dev/null
		sleep 0.1 2>/dev/null || sleep 1 # not every sleep knows fractions
		tries=$((tries + 1))
	done
	if [ -e "$state" ]; then
		take_back || fail "not all could be taken back"
		forget
	fi
	say "taken back"
	exit 0
}

trap leave EXIT
# Whoever listened may be gone, as when a connection is cut: that is no reason to
# leave anything behind.
trap '' PIPE
trap 'exit 143' TERM
trap 'exit 130' INT
trap 'exit 129' HUP
# --- from here on this script's own ---

# burn writes and reads 8 MiB at a time, round and round in the scratch file.
burn() {
	at=0
	while [ "$(date +%s)" -lt "$1" ]; do
		part=$((size - at))
		[ "$part" -le 8 ] || part=8
		attend dd if=/dev/zero of="$scratch/scratch" bs=1048576 count="$part" seek="$at" conv=notrunc,fsync &&
			attend dd if="$scratch/scratch" of=/dev/null bs=1048576 count="$part" skip="$at" ||
			fail "dd can't write to $scratch or read from it"
		at=$(((at + part) % size))
	done
}

take_back() {
	scratch=$(recall scratch)
	[ -d "$scratch" ] && [ ! -h "$scratch" ] && [ -O "$scratch" ] || return 0
	rm -f "$scratch/scratch" && rmdir "$scratch"
}

[ "${CMED_UNDO:-}" != 1 ] || undo

read_number DURATION "${DURATION:-60s}" 1 3600 "a duration from 1s to 1h, such as 90s, 5m or 1h" =1 s=1 m=60 h=3600
duration=$number
read_number SIZE "${SIZE:-64M}" 1 16384 "a size from 1M to 16G: a number with M or G, such as 64M" M=1 G=1024
size=$number
dir=${DIR:-/var/tmp}
case $dir in
/*) ;;
*) refuse "DIR is not an absolute path" ;;
esac
[ "$(printf '%s\n' "$dir" | wc -l)" -eq 1 ] && [ -d "$dir" ] || refuse "DIR is not a folder"
free=$(free "$dir") || exit 1
[ "$((size * 2))" -le "$free" ] || fail "a scratch file of $size MiB is more than half of the $free MiB that are free in $dir"

scratch=${dir%/}/cmed-$name-$job
[ ! -e "$scratch" ] || fail "$scratch is there already"
remember "scratch $scratch"
mkdir "$scratch" || fail "the scratch folder can't be made"
say "writing and reading $size MiB in $scratch for ${duration}s"
burn "$(($(date +%s) + duration))"
say "done"
