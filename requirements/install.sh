#!/bin/sh
# Installs mer, editable, and what its tests need; pip refuses each file whose sha256 is not in requirements/*.txt.
# PYTHON is an environment's. PyTorch may come from PyPI or be its CPU build, or be there already.
set -eu
if [ $# -ne 1 ]; then echo "expected requirements/install.sh PYTHON; got $# words" >&2; exit 2; fi
python=$1
here=$(cd "$(dirname "$0")" && pwd)

pip() { "$python" -m pip "$@"; }
hashed() { pip install --quiet --require-hashes "$@"; }

hashed --only-binary :all: --requirement "$here/build.txt"

# By itself: a folder of wheels tells no hash, so that pip would prefer PyPI's build to a CPU build that lies there.
torch=$(sed -n 's/^torch==\([^ ]*\).*/\1/p' "$here/torch.txt")
if ! "$python" -c "import importlib.metadata as m, sys; sys.exit(m.version('torch').split('+')[0] != '$torch')" 2>/dev/null
then
	wheels=$(mktemp -d)
	trap 'rm -r "$wheels"' EXIT
	pip download --quiet --no-deps --only-binary :all: --dest "$wheels" "torch==$torch"
	hashed --no-deps --no-index --find-links "$wheels" --constraint "$here/torch.txt" torch
fi

hashed --no-build-isolation --requirement "$here/dev.txt" --constraint "$here/torch.txt"
pip install --quiet --quiet --no-deps --no-build-isolation --editable "$here/.."
