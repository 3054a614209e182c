# The first process of a PID namespace, in a mount namespace of its own too.
# It starts a Docker Engine in the folder $1, waits until its standard input
# ends, and removes all of it. See daemon_linux.go.

folder=$1
cgroup=dockertest-${folder##*/}

# Nothing that is mounted here is seen outside. The engine finds no containerd
# in /run but its own, and leaves nothing there or in /etc/docker.
mkdir -p /etc/docker
mount --make-rprivate / &&
	mount -t proc proc /proc &&
	mount -t tmpfs tmpfs /run &&
	mount -t tmpfs tmpfs /etc/docker ||
	{ echo "the mounts are not allowed" >"$folder/log"; : >"$folder/ended"; }

echo '{}' >"$folder/daemon.json"

serve() {
	dockerd --config-file "$folder/daemon.json" --pidfile "$folder/pid" \
		--host "unix://$folder/s" --data-root "$folder/d" --exec-root "$folder/x" \
		--storage-driver vfs --exec-opt native.cgroupdriver=cgroupfs --cgroup-parent "/$cgroup" \
		--bridge none --iptables=false --ip6tables=false --ip-forward=false --ip-masq=false \
		--userland-proxy=false
	: >"$folder/ended"
}
[ -e "$folder/ended" ] || serve >"$folder/log" 2>&1 </dev/null &

while read -r _; do :; done

kill -KILL -1 # all but this shell, which is number 1
awk -v folder="$folder/" 'index($2, folder) == 1 { print $2 }' /proc/mounts | sort -r |
	while read -r mounted; do umount -l "$mounted"; done
rm -rf "$folder"

# A cgroup can be removed when the last of its processes is gone.
for _ in 1 2 3 4 5 6 7 8 9 10; do
	find /sys/fs/cgroup -depth -type d -path "*/$cgroup*" -exec rmdir {} + 2>/dev/null
	[ -n "$(find /sys/fs/cgroup -type d -name "$cgroup")" ] || break
	sleep 0.1
done
