# Ends what is left of the job. First the gate is shut, so that nothing starts
# from now on; what started before has its pid on file.
d=$1
shut=yes
if [ -n "$d" ]; then
	# Not with ":", whose failed redirection would end the shell.
	true >"$d/ended"
	mkdir "$d/gate" || [ -d "$d/gate" ] || shut=no
fi 2>/dev/null

# now sets t, in hundredths of a second.
now() {
	if { read -r t rest <"$proc/uptime"; } 2>/dev/null; then
		t=${t%.*}${t#*.}
	else
		t=$(date +%s)00
	fi
}

nap() { sleep 0.1 2>/dev/null || sleep 1; }

zero=no
printf 'a\0' | grep -qzxF a 2>/dev/null && zero=yes

# marked sets marks: the processes that have the job's mark in their environment.
marked() {
	marks=' '
	[ -r "$proc/self/environ" ] || return 0
	if [ $zero = yes ]; then
		files=$(grep -lszxF "CMED_JOB=$key" "$proc"/[0-9]*/environ 2>/dev/null)
	else
		files=$(for f in "$proc"/[0-9]*/environ; do
			{ tr '\0' '\n' <"$f" | grep -qxF "CMED_JOB=$key" && echo "$f"; } 2>/dev/null
		done)
	fi
	for f in $files; do
		f=${f#"$proc"/}
		marks="$marks${f%/environ} "
	done
}

# kin PID lists those that may be of its group or session.
kin() {
	if [ -r "$proc/self/stat" ]; then
		for f in $(grep -lsE "\) [A-Za-z] [0-9]+ ($1 [0-9]+|[0-9]+ $1) " "$proc"/[0-9]*/stat 2>/dev/null); do
			f=${f#"$proc"/}
			echo "${f%/stat}"
		done
	else
		ps -A -o pgid= -o pid= | sed -n "s/^ *$1 *//p"
	fi
}

# family PID START adds the group with that number, and what else is in its
# session, if it is the job's still: its leader is the one on file, or has gone
# and one of them has the mark.
family() {
	ours=no inside= outside=
	if look_at "$1"; then
		[ "$start" = "$2" ] || return 0
		ours=yes
	fi
	for q in $(kin "$1"); do
		look_at "$q" || continue
		case $state in [ZX]*) continue ;; esac
		if [ "$pgrp" = "$1" ]; then
			inside="$inside $q"
		elif [ "$session" = "$1" ]; then
			outside="$outside $q"
		else
			continue
		fi
		case $marks in *" $q "*) ours=yes ;; esac
	done
	[ $ours = yes ] || return 0
	[ -z "$inside" ] || groups="$groups $1"
	others="$others$outside"
	seen="$seen$inside$outside "
}

# scan sets groups and others to what of the job is alive.
scan() {
	groups= others= seen=' '
	marked
	if [ -n "$d" ]; then
		for f in "$d"/pid.*; do
			{ read -r pid began when <"$f"; } 2>/dev/null || continue
			[ "$when" = "$boot" ] && family "$pid" "$began"
		done
	fi
	for q in $marks; do
		case $seen in *" $q "*) ;; *) others="$others $q" ;; esac
	done
	[ -n "$groups$others" ]
}

# alive looks twice before it says no: while a process executes another program,
# nobody sees its environment for a moment.
alive() { scan || scan; }

signal() {
	for q in $groups; do kill "-$1" "-$q"; done 2>/dev/null
	for q in $others; do kill "-$1" "$q"; done 2>/dev/null
}

found=none
if alive; then
	found=ended
	signal TERM
	signal CONT # a stopped process gets its SIGTERM only then
	now
	limit=$((t + grace))
	while alive && now && [ "$t" -lt "$limit" ]; do nap; done
	now
	limit=$((t + 500))
	while alive && now && [ "$t" -lt "$limit" ]; do
		signal KILL
		nap
	done
	if alive; then
		echo "left$groups$others"
		exit 0
	fi
fi
[ $shut = yes ] || found=open
echo $found
