#!/usr/bin/env bash
# A Slurm of one machine for tests/slurm/check.py, out of a temporary folder, and nothing left of it afterwards.
# Needs root only to install slurm-wlm and munge, and only where they are missing; with a cluster that answers to
# `sinfo`, runs there (SLURM_PARTITION chooses where).  KEEP_SLURM=1 leaves the packages installed.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/../.."
PYTHON=${PYTHON:-.venv/bin/python}
PATH=$PATH:/usr/sbin:/sbin # munged, slurmctld, slurmd
work=$(mktemp -d "${TMPDIR:-/tmp}/mer-slurm.XXXXXX")
installed=()

say() { echo "test-slurm: $*" >&2; }

fail() {
    say "$*"
    exit 2
}

stop() { # a daemon that wrote its process number into $1
    local pid
    pid=$(cat "$1" 2>/dev/null) || return 0
    kill "$pid" 2>/dev/null || return 0
    for _ in $(seq 50); do kill -0 "$pid" 2>/dev/null || return 0; sleep 0.1; done
    kill -9 "$pid" 2>/dev/null || true
}

clean_up() {
    local code=$?
    if [ -f "$work/slurm.conf" ]; then
        scancel --quiet --user="$(id -un)" 2>/dev/null || true
        for daemon in slurmd slurmctld munged; do stop "$work/$daemon.pid"; done
        if [ $code -ne 0 ]; then tail -n 20 "$work"/*.log >&2 || true; fi
    fi
    rm -rf "$work"
    # Lightning warns at every Trainer where it finds srun, and mer's tests take warnings for errors.
    if [ ${#installed[@]} -gt 0 ] && [ -z "${KEEP_SLURM:-}" ]; then
        say "removing the ${#installed[@]} packages that it installed"
        apt-get purge -y -qq "${installed[@]}" >/dev/null 2>&1 || say "could not remove: ${installed[*]}"
    fi
    exit $code
}

packages() { dpkg-query -W -f '${db:Status-Abbrev} ${Package}\n' | awk '$1 == "ii" { print $2 }' | sort; }

install_slurm() {
    command -v apt-get >/dev/null || fail "expected Slurm (slurmctld, slurmd) and munge; got none; install them"
    [ "$(id -u)" = 0 ] || fail "expected slurm-wlm and munge, or root to install them; got neither; run: sudo apt-get install slurm-wlm munge"
    say "installing slurm-wlm and munge"
    packages >"$work/before"
    { apt-get update -qq && DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends slurm-wlm munge; } \
        >"$work/apt.log" 2>&1 || { tail -n 5 "$work/apt.log" >&2; fail "expected to install slurm-wlm and munge; got an error of apt-get"; }
    packages >"$work/after"
    mapfile -t installed < <(comm -13 "$work/before" "$work/after")
}

configure() {
    local host ports
    host=$(hostname -s)
    ports=$("$PYTHON" -c '
import socket
free = [socket.socket() for _ in range(2)]
[one.bind(("127.0.0.1", 0)) for one in free]
print(*(one.getsockname()[1] for one in free))')
    mkdir "$work/spool" "$work/state"
    cat >"$work/slurm.conf" <<CONF
ClusterName=mer
SlurmctldHost=$host(127.0.0.1)
SlurmUser=$(id -un)
SlurmdUser=$(id -un)
SlurmctldPort=${ports% *}
SlurmdPort=${ports#* }
AuthType=auth/munge
AuthInfo=socket=$work/munge.socket
CredType=cred/munge
CommunicationParameters=NoCtldInAddrAny,NoInAddrAny
MpiDefault=none
ProctrackType=proctrack/pgid
TaskPlugin=task/none
SelectType=select/cons_tres
SelectTypeParameters=CR_Core
JobAcctGatherType=jobacct_gather/none
AccountingStorageType=accounting_storage/none
StateSaveLocation=$work/state
SlurmdSpoolDir=$work/spool
SlurmctldPidFile=$work/slurmctld.pid
SlurmdPidFile=$work/slurmd.pid
SlurmctldLogFile=$work/slurmctld.log
SlurmdLogFile=$work/slurmd.log
ReturnToService=2
NodeName=$host NodeAddr=127.0.0.1 CPUs=$(getconf _NPROCESSORS_ONLN) State=UNKNOWN
PartitionName=mer Nodes=ALL Default=YES MaxTime=INFINITE State=UP
CONF
    export SLURM_CONF=$work/slurm.conf SLURM_PARTITION=mer
}

start() {
    chmod 711 "$work"
    (umask 077 && head -c 1024 /dev/urandom >"$work/munge.key")
    munged --force --socket="$work/munge.socket" --key-file="$work/munge.key" --pid-file="$work/munged.pid" \
        --log-file="$work/munged.log" --seed-file="$work/munge.seed" 2>"$work/munged.err.log"
    slurmctld -f "$SLURM_CONF"
    slurmd -f "$SLURM_CONF"
    for _ in $(seq 100); do
        if sinfo --noheader --format=%T 2>/dev/null | grep -q idle; then return; fi
        sleep 0.2
    done
    fail "expected the node to be idle; got $(sinfo --noheader 2>&1 || true)"
}

trap clean_up EXIT
trap 'exit 130' INT TERM
"$PYTHON" -c 'import submitit' 2>/dev/null || fail "expected the extra submitit; got none; run: make test-slurm, or pip install '.[submitit]'"
if command -v sinfo >/dev/null && sinfo --noheader >/dev/null 2>&1; then
    say "using the cluster that is here"
else
    command -v slurmctld >/dev/null && command -v slurmd >/dev/null && command -v munged >/dev/null || install_slurm
    configure
    start
fi
"$PYTHON" -m tests.slurm.check "$work"
