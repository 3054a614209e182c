#!/bin/sh
# s_stop_service.sh stops a service of systemd for a while, and starts it again.
#
#   UNIT       the service, with or without .service: required. Those without
#              which nobody could start it again (systemd's own, dbus, ssh, the
#              network) are refused.
#   DURATION   how long: a number with s, m or h, or of seconds; 1s to 1h.
#              Default 60s.
#   STATE_DIR  where it puts on file what is to be taken back: an absolute path.
#              Default /var/tmp.
#   CMED_JOB   names the run: letters, digits, dots, dashes, underscores.
#              Default by-hand.
#   CMED_UNDO  1: only take back what an earlier run of the same CMED_JOB left, or
#              of the one that CMED_UNDO_JOB names.
#
# A service that isn't active is left alone, and the script fails. It starts the
# service by itself, also when it is told to end (TERM, INT, HUP). If it is
# killed, the service stays stopped until it is called with CMED_UNDO=1.
# Exit status: 0 done, 2 bad input, 1 anything else.
name=stop_service

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

# is_active says whether the unit runs, however well.
is_active() {
	case $(systemctl is-active -- "$1" 2>/dev/null) in
	active | reloading) return 0 ;;
	*) return 1 ;;
	esac
}

# spare refuses a unit without which nobody could start it again.
spare() {
	case $1 in
	systemd-* | dbus.service | dbus-broker.service | ssh.service | sshd.service | ssh@* | sshd@* | dropbear* | init.service | networking.service | network.service | NetworkManager* | connman* | wpa_supplicant* | iwd.service | user@*)
		refuse "$1 is needed to start it again, and is not stopped"
		;;
	esac
}

take_back() {
	unit=$(recall unit)
	is_active "$unit" || systemctl --no-ask-password start -- "$unit"
}

[ "${CMED_UNDO:-}" != 1 ] || undo

unit=${UNIT:-}
case $unit in
'') refuse "UNIT says no service" ;;
[!A-Za-z0-9]* | *[!A-Za-z0-9:_.@-]*) refuse "UNIT is not the name of a service" ;;
*.service) ;;
*.socket | *.target | *.mount | *.automount | *.timer | *.path | *.slice | *.scope | *.swap | *.device)
	refuse "UNIT is not a service"
	;;
*) unit=$unit.service ;;
esac
[ "${#unit}" -le 255 ] || refuse "UNIT is longer than 255 characters"
spare "$unit"
read_number DURATION "${DURATION:-60s}" 1 3600 "a duration from 1s to 1h, such as 90s, 5m or 1h" =1 s=1 m=60 h=3600
duration=$number

command -v systemctl >/dev/null || fail "there is no systemctl on this machine"
# A service may have other names, under which it is needed all the same.
known=$(systemctl show -p Id -- "$unit" 2>/dev/null)
unit=${known#Id=}
[ -n "$unit" ] || fail "systemctl doesn't say what $UNIT is"
spare "$unit"
is_active "$unit" || fail "$unit is not active, so there is nothing to stop"
remember "unit $unit"
systemctl --no-ask-password stop -- "$unit" || fail "$unit can't be stopped"
say "stopped $unit for ${duration}s"
hold "$duration"
say "done"
