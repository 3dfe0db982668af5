#!/usr/bin/env bash
# Install the real parts that the tests start, where their programs are missing: with `lab`, those of the lab
# too. No service is left running.
set -euo pipefail
cd "$(dirname "$0")/../.."
PATH=$PATH:/usr/sbin:/sbin

missing=()
needs() { # PROGRAM PACKAGE
    command -v "$1" >/dev/null || missing+=("$2")
}
needs mosquitto mosquitto
needs mosquitto_pub mosquitto-clients
needs influxd influxdb
needs victoria-metrics victoria-metrics
needs strace strace
needs setpriv util-linux
needs chromium chromium
compgen -G "/usr/lib/*/faketime/libfaketimeMT.so.1" >/dev/null || missing+=(libfaketime)
[ -e /usr/share/fonts/truetype/dejavu/DejaVuSans.ttf ] || missing+=(fonts-dejavu-core)
if [ "${1:-}" = lab ]; then
    needs node nodejs
    needs haproxy haproxy
    needs rabbitmq-server rabbitmq-server
    needs npm npm
    needs debootstrap debootstrap
    needs systemd-nspawn systemd-container
    needs ssh openssh-client
    needs openssl openssl
    needs ip iproute2
    needs qemu-aarch64-static qemu-user-static
    needs update-binfmts binfmt-support
fi

if [ "${#missing[@]}" -gt 0 ]; then
    bash scripts/apt.sh "${missing[@]}"
fi
