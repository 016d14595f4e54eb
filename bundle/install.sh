#!/bin/sh
# Installs the household exchange from this bundle, without a registry; again, it changes nothing; a newer bundle's updates.
#   ./install.sh [FOLDER]      /opt/household-exchange, as docker/systemd/ expects it; PYTHON: which Python (python3)
# It makes FOLDER/.venv with programs `exchange` and `airflow`, and links FOLDER/{dags,docker,docs} to the installed files.
# Then: `FOLDER/.venv/bin/exchange office init`. Containers: `docker load --input images/…tar`, docker/compose.yaml, docker/kubernetes.
set -eu
cd "$(dirname "$0")"
to=${1:-/opt/household-exchange}
python=${PYTHON:-python3}
machine=$(uname -m)
stop() { echo "install.sh: $*" >&2; exit 1; }

sha256sum --check --quiet --strict SHA256SUMS || stop "文件不完整或被改动 a file is not the one that was bundled"
[ -d "wheels/$machine" ] || stop "没有 $machine 的程序包 this bundle has nothing for $machine: $(ls wheels)"
tag=$("$python" -c 'import sys; print(f"cp{sys.version_info[0]}{sys.version_info[1]}")') || stop "没有 no $python"
ls "wheels/$machine" | grep -q -- "-$tag-$tag-" || stop "本包不用于 this bundle is not for $("$python" --version); set PYTHON to another"
"$python" -c 'import ensurepip, venv' 2>/dev/null || stop "缺 python3-venv is not installed"
command -v openssl >/dev/null || stop "缺 openssl is not installed"

mkdir -p "$to"
[ -x "$to/.venv/bin/python" ] || "$python" -m venv "$to/.venv"
install() { "$to/.venv/bin/python" -m pip install --quiet --disable-pip-version-check --no-index --find-links "wheels/$machine" "$@"; }
install --require-hashes --requirement pip.lock
install --require-hashes --requirement install.lock
install --no-deps --force-reinstall ./household_exchange-*.whl
root=$("$to/.venv/bin/python" -c 'from exchange.base.paths import ROOT; print(ROOT)')
for name in dags docker docs; do ln -sfn "$root/$name" "$to/$name"; done
"$to/.venv/bin/python" -m pip check >/dev/null || stop "程序包不相配 the packages do not fit together"
"$to/.venv/bin/exchange" schemas --check >/dev/null || stop "装好的文件不全 what was installed is not whole"
echo "已安装 installed in $to: $(ls household_exchange-*.whl)"
