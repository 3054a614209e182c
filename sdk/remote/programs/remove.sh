# Removes the script, if it is the same still and the job has put it there, what
# Install made and what is on file. A script that another job has at the same path
# is handed over to that, with the folders.
find_folder || {
	echo kept
	exit 0
}
rm -f "${path%/*}/.cmed-$key" 2>/dev/null

# heir sets heir to the folder of another job with the same script and path.
heir() {
	for heir in "${d%/*}"/*; do
		[ "$heir" != "$d" ] || continue
		{ IFS= read -r its_path && IFS= read -r its_sum; } 2>/dev/null <"$heir/path" || continue
		[ "$its_path" = "$path" ] && [ "$its_sum" = "$sum" ] && return 0
	done
	return 1
}

lock
fate=kept mine=no
[ "$script" = same ] && [ -f "$d/placed" ] && mine=yes
if heir; then
	if [ $mine = yes ]; then
		fate=shared
		true >"$heir/placed"
	fi
	[ ! -f "$d/made" ] || cat "$d/made" >>"$heir/made"
	rm -f "$d/made"
elif [ $mine = yes ]; then
	fate=removed
	rm -f "$path" || {
		unlock
		exit 1
	}
fi
rm -f "$d/path"
if [ -f "$d/made" ]; then
	# The deepest was made last.
	deepest=
	while IFS= read -r made; do
		deepest="$made
$deepest"
	done <"$d/made"
	while IFS= read -r made; do
		[ -z "$made" ] || rmdir "$made" 2>/dev/null
	done <<END
$deepest
END
fi
unlock
rm -rf "$d" || exit 1
# The folder of all jobs goes with the last of them.
rmdir "${d%/*}" 2>/dev/null
echo $fate
exit 0
