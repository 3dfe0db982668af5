#!/usr/bin/env bash
# Install Debian packages without a question and without starting their services: scripts/apt.sh PACKAGE...
set -euo pipefail

by_hand() {
    printf 'setup: %s\nsetup: install by hand and try again: %s\n' "$1" "$2" >&2
    exit 1
}

command -v apt-get >/dev/null || by_hand "this machine has no apt-get" "the programs of the Debian packages $*"
if [ "$(id -u)" -ne 0 ]; then
    if command -v sudo >/dev/null && sudo -n true 2>/dev/null; then
        exec sudo -n bash "$0" "$@"
    fi
    by_hand "not root, and no sudo without a password" "sudo apt-get install $*"
fi

# A package's scripts ask this file before they start a service; 101 is "no". What was there comes back.
policy=/usr/sbin/policy-rc.d
kept=""
restore() {
    rm -f "$policy"
    if [ -n "$kept" ]; then mv "$kept" "$policy"; fi
}
forbids() {
    local status=0
    "$policy" any start >/dev/null 2>&1 || status=$?
    [ "$status" -eq 101 ]
}
if ! { [ -x "$policy" ] && forbids; }; then
    if [ -e "$policy" ]; then
        kept=$policy.kept-by-commune
        mv "$policy" "$kept"
    fi
    trap restore EXIT
    trap 'exit 130' INT TERM HUP
    printf '#!/bin/sh\nexit 101\n' >"$policy"
    chmod 755 "$policy"
fi

said=$(mktemp)
apt() { apt-get -o DPkg::Lock::Timeout=200 -y -qq "$@" >"$said" 2>&1 </dev/null; }
export DEBIAN_FRONTEND=noninteractive
printf 'setup: installing the Debian packages %s\n' "$*" >&2
apt update || printf 'setup: apt-get update failed; trying with the old lists\n' >&2
apt install --no-install-recommends "$@" || {
    cat "$said" >&2
    by_hand "apt-get could not install them" "apt-get install $*"
}
rm -f "$said"

# Whoever needs a service here starts one of its own; these need not come up with the next boot either.
for package in "$@"; do
    if [ -e "/lib/systemd/system/$package.service" ] && command -v systemctl >/dev/null; then
        systemctl disable --quiet "$package.service" 2>/dev/null || true
    fi
done
