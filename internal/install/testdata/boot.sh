# Becomes the first process of a small machine: systemd, with nothing to do but
# what cmed's unit asks for. It runs in new PID, mount, IPC, UTS and network
# namespaces and in a cgroup of its own. $1 is a folder with an unpacked release,
# which becomes /run/release. Nothing that is mounted here is seen outside.
set -e
case $2 in
again) ;;
*) exec unshare --cgroup sh "$0" "$1" again ;; # now the cgroup is the root of all
esac

mount --make-rprivate /
mount -t proc proc /proc
umount -R -l /sys/fs/cgroup 2>/dev/null || :
mount -t cgroup2 cgroup2 /sys/fs/cgroup

# Changes of /etc stay in here. Of the machine's own units and data there are none,
# so that no service of its starts.
mount -t tmpfs -o mode=755 tmpfs /run
mkdir /run/etc /run/work
mount -t overlay -o lowerdir=/etc,upperdir=/run/etc,workdir=/run/work overlay /etc
for folder in /usr/local /usr/lib/systemd/system /usr/lib/systemd/system-generators \
	/etc/systemd/system /var/lib /var/tmp; do
	[ ! -d $folder ] || mount -t tmpfs -o mode=755 tmpfs $folder
done
mkdir /usr/local/bin /run/release
cp -R "$1/." /run/release/
mount -t tmpfs -o mode=1777 tmpfs /tmp
userdel cmed 2>/dev/null || :
groupdel cmed 2>/dev/null || :
rm -f /etc/default/cmed

# The targets that every unit depends on, without what they bring on a machine.
for target in small sysinit basic network-online; do
	printf '[Unit]\nDefaultDependencies=no\n' >/etc/systemd/system/$target.target
done

exec env -i container=cmed-test PATH=/usr/sbin:/usr/bin:/sbin:/bin \
	/lib/systemd/systemd --system --unit=small.target --log-target=null --show-status=no
