#!/bin/sh
# Makes the accounts of the partners, starts sshd and, while it runs, makes the accounts of partners that are added. A file
# /srv/accounts/NAME makes the account NAME; its lines are the public keys that are let in. Take the file away, and nobody is let in
# by that name any more. Arguments are handed to sshd.
#
# Folders outlive this container: an account gets back the number that its folder belongs to, so those that have a folder come first.
# Numbers are above 20000: never the office's own (1000), whose files lie on the same disk.
# What is done with files goes to the standard output, with long numbers blotted out: a file's name may hold one; not that a folder was
# looked into, which the office does twice a second. sshd's child is shut into its folder and can tell only through a dev/log there: a
# hard link to syslogd's socket.
set -eu
SOCKET=/srv/partners/.log

account() {
    home=/srv/partners/$1
    owner=$(stat -c %u "$home/to-office" 2>/dev/null || echo 0)
    if ! id "$1" >/dev/null 2>&1; then
        number=""
        [ "$owner" -le 20000 ] || number="--uid $owner"
        # '*' is a password that nothing matches; '!' would lock the account for keys, too
        # shellcheck disable=SC2086  # two words, or none
        useradd -K UID_MIN=20001 -K UID_MAX=59999 $number --gid partners --no-create-home --home-dir / \
            --shell /usr/sbin/nologin --password '*' "$1"
        echo "account of $1"
    fi
    install -d -o root -g root -m 0755 "$home" "$home/dev"
    install -d -o "$1" -g partners -m 0700 "$home/to-office" "$home/from-office"
    # files that an older version of this script gave to a lower number
    [ "$owner" -gt 20000 ] || chown -R "$1:partners" "$home/to-office" "$home/from-office"
    ln -f "$SOCKET" "$home/dev/log"
}

# Names of partners: a file that is not named like one, and the pattern itself where there is none, make no account.
names() {
    for keys in /srv/accounts/*; do
        name=$(basename "$keys")
        case $name in *[!a-z0-9-]* | -*) continue ;; esac
        [ ! -f "$keys" ] || echo "$name"
    done
}

getent group partners >/dev/null || groupadd --system partners
for folder in /srv/partners/*/dev/log; do rm -f "$folder"; done # of a socket that is no more
rm -f "$SOCKET" /run/partners-log
mkfifo -m 0600 /run/partners-log
ln -sf "$SOCKET" /dev/log
sed -uE '/: (open|close)dir "/d; s/[0-9]{6,}[Xx]?/…/g' </run/partners-log &
busybox syslogd -n -O - >/run/partners-log 2>&1 &
while [ ! -S "$SOCKET" ]; do sleep 0.1; done
for name in $(names); do [ ! -d "/srv/partners/$name/to-office" ] || account "$name"; done
for name in $(names); do account "$name"; done
install -d -m 0755 /run/sshd
[ -e /etc/ssh/host-keys/ssh_host_ed25519_key ] || ssh-keygen -q -t ed25519 -N '' -f /etc/ssh/host-keys/ssh_host_ed25519_key
/usr/sbin/sshd -D -e "$@" &
sshd=$!
stopped=""
trap 'stopped=yes; kill "$sshd" 2>/dev/null || true' TERM INT
# Asked to stop, it does so at once: an engine kills after ten seconds, and podman then does not start it again.
while [ -z "$stopped" ] && kill -0 "$sshd" 2>/dev/null; do
    for name in $(names); do [ -S "/srv/partners/$name/dev/log" ] || account "$name"; done
    sleep "${LOOK_SECONDS:-10}" &
    [ -n "$stopped" ] || wait $! || true
done
trap '' TERM # but for this shell itself
kill 0
[ -n "$stopped" ] # whoever was asked to stop has done well; sshd that ended by itself has not
