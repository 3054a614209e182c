# Where a job is on file: $d, a folder named after its key in a private folder
# of the home or, where the home takes none, of /tmp. A folder that is another's,
# a link, or open to others is never used.
me=$(id -u)

private() {
	[ -d "$1" ] && [ ! -L "$1" ] || return 1
	set -- $(LC_ALL=C ls -ldn "$1")
	case $1 in
	drwx------*) [ "$3" = "$me" ] ;;
	*) return 1 ;;
	esac
}

find_folder() {
	for r in "$HOME/.cmed" "/tmp/.cmed-$me"; do
		d=$r/$key
		private "$r" && private "$d" && return 0
	done
	d=
	return 1
}

make_folder() {
	find_folder && return 0
	for r in "$HOME/.cmed" "/tmp/.cmed-$me"; do
		case $r in /*) ;; *) continue ;; esac
		# Another job's end may remove the folder of all jobs in between.
		for attempt in 1 2 3; do
			mkdir -m 700 "$r" 2>/dev/null
			private "$r" || break
			d=$r/$key
			mkdir -m 700 "$d" 2>/dev/null
			private "$d" && return 0
		done
	done
	d=
	return 1
}

# lock waits until no other job of the user takes or gives up a path, and unlock
# lets the next. One that was cut off in between is waited for a while only.
lock() {
	left=50
	until mkdir "${d%/*}/.lock" 2>/dev/null || [ $left = 0 ]; do
		left=$((left - 1))
		sleep 0.1 2>/dev/null || sleep 1
	done
}

unlock() { rmdir "${d%/*}/.lock" 2>/dev/null; }
