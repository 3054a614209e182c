# Finds the job and has it started, as root if told so.
refuse() {
	printf '\n%s refused %s\n' "$mark" "$1" >&2
	exit 125
}

find_folder || refuse absent
rm -f "$d/room"
[ -f "$path" ] || refuse missing
[ -x "$path" ] || refuse mode
by=
if [ "$sudo" = yes ]; then
	# Root on a machine without sudo needs none.
	[ "$me" = 0 ] && ! command -v sudo >/dev/null || by='sudo -n --'
fi
printf '%s\n' "$starter" | $by sh -s -- "$d"
exit
