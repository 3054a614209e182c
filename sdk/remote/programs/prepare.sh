# Makes the job's folder and the folders on the way to the path, and says where
# the job's folder is and what lies at the path.
make_parent() {
	case $1 in
	'' | /) return 0 ;;
	esac
	[ -d "$1" ] && return 0
	make_parent "${1%/*}" || return 1
	mkdir -m 700 "$1" && printf '%s\n' "$1" >>"$d/made"
}

make_folder || {
	echo "no private folder can be made in $HOME or /tmp to keep the job's state in" >&2
	exit 1
}
if [ -d "$d/gate" ]; then
	echo used
	exit 0
fi
# What a start puts on file finds room there on a disk that is full by then.
printf '%16384d' 0 >"$d/room" || exit 1
# From here on no other job removes what lies at the path.
lock
printf '%s\n' "$path" "$sum" >"$d/path" && make_parent "${path%/*}" || {
	unlock
	exit 1
}
printf '%s\n' "$d"
occupant
unlock
