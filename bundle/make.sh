#!/bin/sh
# Writes all that an installation needs into one archive, for machines that reach no registry:
#   household-exchange-VERSION.tar: install.sh, SHA256SUMS, wheels/ (x86_64 and aarch64), the package's own wheel, the locks, docs/,
#   docker/ (compose, kustomize base) and, where ENGINE names podman or docker, images/ (of this machine's kind, built by `make images`)
# Usage: make.sh FOLDER; PYTHON_VERSION: for which Python (3.11). Needs a registry of packages; every file is held against the locks' hashes.
set -eu
cd "$(dirname "$0")/.."
to=${1:?usage: make.sh FOLDER}
mkdir -p "$to"
to=$(cd "$to" && pwd)
version=$(sed -n 's/^version = "\(.*\)"/\1/p' pyproject.toml)
python=${PYTHON_VERSION:-3.11}
name=household-exchange-$version
out=$to/$name
rm -rf "$out" "$out.tar" "$to/env"
mkdir -p "$out/wheels"

python3 -m venv "$to/env"
pip="$to/env/bin/python -m pip --quiet --disable-pip-version-check"
$pip install --require-hashes --requirement pip.lock
for machine in x86_64 aarch64; do
    abi=cp$(echo "$python" | tr -d .)
    platforms=""
    for kind in manylinux2014 manylinux_2_17 manylinux_2_24 manylinux_2_26 manylinux_2_27 manylinux_2_28; do platforms="$platforms --platform ${kind}_$machine"; done
    for lock in pip.lock install.lock; do
        # shellcheck disable=SC2086  # lists of words
        $pip download --require-hashes --no-deps --only-binary :all: --implementation cp --python-version "$python" \
            --abi "$abi" --abi abi3 --abi none $platforms --dest "$out/wheels/$machine" --requirement "$lock"
    done
done
# from a copy: a checkout stays as it is
git archive --format tar HEAD >"$to/source.tar"
rm -rf "$to/source" && mkdir "$to/source" && tar -xf "$to/source.tar" -C "$to/source"
$pip wheel --no-deps --no-build-isolation --wheel-dir "$out" "$to/source"
cp -r "$to/source/docs" "$out/docs"
cp -r "$to/source/docker" "$out/docker"
cp pip.lock install.lock bundle/install.sh "$out/"
if [ -n "${ENGINE:-}" ]; then
    mkdir "$out/images"
    for image in household-exchange household-exchange-sftp; do $ENGINE save --output "$out/images/$image-$version.$(uname -m).tar" "$image:$version"; done
fi
rm -rf "$to/source" "$to/source.tar" "$to/env"
(cd "$out" && find . -type f ! -name SHA256SUMS | LC_ALL=C sort | xargs -d '\n' sha256sum >SHA256SUMS)
# the same files give the same archive
tar --sort=name --mtime="@$(git log -1 --format=%ct)" --owner=0 --group=0 --numeric-owner -C "$to" -cf "$out.tar.new" "$name"
mv "$out.tar.new" "$out.tar"
(cd "$to" && sha256sum "$name.tar" >"$name.tar.sha256")
rm -rf "$out"
echo "$out.tar  $(du -m "$out.tar" | cut -f1) MB"
