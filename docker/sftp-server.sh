#!/bin/sh
# Makes the accounts of the partners and starts sshd. A file /srv/accounts/NAME makes the account NAME; its lines are the public keys
# that are let in. Folders outlive this container: an account gets back the number that its folder belongs to, so those that
# have a folder come first.
set -eu

account() {
    name=$(basename "$1")
    home=/srv/partners/$name
    shift
    # '*' is a password that nothing matches; '!' would lock the account for keys, too
    id "$name" >/dev/null 2>&1 || useradd "$@" --gid partners --no-create-home --home-dir / --shell /usr/sbin/nologin --password '*' "$name"
    install -d -o root -g root -m 0755 "$home"
    install -d -o "$name" -g partners -m 0700 "$home/to-office" "$home/from-office"
}

getent group partners >/dev/null || groupadd --system partners
for keys in /srv/accounts/*; do
    folder=/srv/partners/$(basename "$keys")/to-office
    [ ! -d "$folder" ] || account "$keys" --uid "$(stat -c %u "$folder")"
done
for keys in /srv/accounts/*; do
    account "$keys"
done
install -d -m 0755 /run/sshd
[ -e /etc/ssh/host-keys/ssh_host_ed25519_key ] || ssh-keygen -q -t ed25519 -N '' -f /etc/ssh/host-keys/ssh_host_ed25519_key
exec /usr/sbin/sshd -D -e
