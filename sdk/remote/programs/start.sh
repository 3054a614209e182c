# Starts the script's shell in a session of its own and waits for it. A shell
# without job control starts background jobs in its own group, so setsid has no
# reason to fork and the job's pid is the session's number.
d=$1
if command -v setsid >/dev/null; then
	set -- setsid
elif command -v perl >/dev/null; then
	set -- perl -e 'use POSIX; POSIX::setsid(); exec @ARGV or die $!' --
elif command -v python3 >/dev/null; then
	set -- python3 -c 'import os,sys; os.setsid(); os.execvp(sys.argv[1],sys.argv[1:])'
else
	printf '\n%s refused setsid\n' "$mark" >&2
	exit 125
fi
# What this shell has to say of a killed job is not the script's output.
exec 3>&2 2>/dev/null
printf '%s\n' "$enter" | CMED_JOB=$key "$@" sh -s -- "$d" 2>&3 3>&- &
wait $!
exit
