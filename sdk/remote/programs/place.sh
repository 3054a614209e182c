# Puts the uploaded script at its path: a copy under another name in the same
# folder, then a hard link, which fails if something is there by now; where there
# are no hard links, a copy that is made only if nothing is there.
find_folder || exit 1
[ "$(wc -c <"$d/upload")" -eq "$size" ] || {
	echo incomplete
	exit 0
}
umask 077
new=${path%/*}/.cmed-$key
rm -f "$new"
# Without clobbering, the shell opens with O_EXCL and follows no link.
set -C
cat "$d/upload" >"$new" && chmod 700 "$new" || {
	rm -f "$new"
	exit 1
}
set +C
# Another job with the same script may hand it over at any time.
lock
heir=no
[ -f "$d/placed" ] && heir=yes
true >"$d/placed" || {
	unlock
	exit 1
}
made=no
set -C
if ln "$new" "$path" 2>/dev/null; then
	made=yes
elif { made=yes && cat "$new" >&3; } 2>/dev/null 3>"$path"; then
	chmod 700 "$path"
elif [ $made = yes ]; then
	rm -f "$new" "$path" "$d/placed"
	unlock
	echo "the script can't be written to $path" >&2
	exit 1
fi
rm -f "$new"
[ $made = yes ] || [ $heir = yes ] || rm -f "$d/placed"
unlock
if [ $made = no ]; then
	echo occupied
	exit 0
fi
rm -f "$d/upload"
echo placed
