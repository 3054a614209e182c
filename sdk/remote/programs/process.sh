# What the machine knows of a process. On Linux it is read from /proc; elsewhere
# ps is asked, which knows no sessions and nobody's environment.
boot=-
[ -r "$proc/sys/kernel/random/boot_id" ] && read -r boot <"$proc/sys/kernel/random/boot_id"

# look_at PID sets state, pgrp, session and start. It fails if there is none.
look_at() {
	stat=
	if [ -r "$proc/self/stat" ]; then
		{
			while IFS= read -r line || [ -n "$line" ]; do
				stat="$stat $line"
			done <"$proc/$1/stat"
		} 2>/dev/null
		[ -n "$stat" ] || return 1
		# The name is in parentheses and may hold anything, these too.
		set -- ${stat##*) }
		state=$1 pgrp=$3 session=$4
		shift 19
		start=$1
	else
		set -- $(LC_ALL=C ps -o stat= -o pgid= -o lstart= -p "$1" 2>/dev/null)
		[ $# -ge 3 ] || return 1
		state=$1 pgrp=$2 session=$2
		shift 2
		start=$(printf '%s_' "$@")
	fi
}
