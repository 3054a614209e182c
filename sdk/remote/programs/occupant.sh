# What lies at the path: free, other (or why it can't be the script), or same
# size, followed by its content.
occupant() {
	if [ -L "$path" ]; then
		echo 'a link'
	elif [ -d "$path" ]; then
		echo 'a folder'
	elif [ ! -e "$path" ]; then
		echo free
	elif [ ! -f "$path" ]; then
		echo 'not a regular file'
	elif ! trusted; then
		echo 'a file that another user owns or may change'
	elif [ "$(wc -c <"$path")" -ne "$size" ]; then
		echo 'a file of another size'
	else
		echo file
		cat "$path"
	fi
}

# trusted: only we, or root, can change it.
trusted() {
	set -- $(LC_ALL=C ls -ldn "$path")
	case $1 in
	?????w* | ????????w*) return 1 ;;
	esac
	[ "$3" = "$me" ] || [ "$3" = 0 ]
}
