# Becomes the script, once its pid is on file and nobody has ended the job. The
# gate is a folder because making one is atomic everywhere: whoever makes it, this
# shell or the one that ends the job, has decided.
refuse() {
	rm -f "$d/new.$$" "$d/pid.$$"
	printf '\n%s refused %s\n' "$mark" "$1" >&2
	exit 125
}

d=$1
usual=$(umask)
umask 077
look_at $$ && [ "$session" = $$ ] || refuse session
printf '%s %s %s\n' "$$" "$start" "$boot" >"$d/new.$$" && mv "$d/new.$$" "$d/pid.$$" || refuse state
if ! mkdir "$d/gate" 2>/dev/null; then
	[ -f "$d/ended" ] && refuse ended
	[ -d "$d/gate" ] && refuse again
	refuse state
fi
umask "$usual"
