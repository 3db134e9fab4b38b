#!/usr/bin/env bash
# Resolve every role's requirements anew against one shared constraints file.
# Text needs neither torchvision, torchaudio nor torchcodec, and on a CPU their usual builds
# break transformers: the CPU files leave them out and are installed with --no-deps.
set -euo pipefail
cd "$(dirname "$0")/.."
uv=${UV:-.venv/bin/uv}
here=requirements
compile() { # OUT ARGUMENTS...
    local out=$1
    shift
    "$uv" pip compile -q pyproject.toml --python-version 3.11 --python-platform x86_64-manylinux_2_28 \
        --no-annotate --no-emit-index-url --no-emit-find-links --no-header "$@" -o "$here/$out.new"
    sed -i 's/^torch==\([0-9.]*\)+cpu$/torch==\1/' "$here/$out.new"
    mv "$here/$out.new" "$here/$out"
}
compile constraints.txt --upgrade --override $here/without-vision.txt \
    --extra bot --extra inference-cpu --extra adapters --extra dev --extra setup
for role in setup bot adapters inference-cpu dev; do
    compile "$role.txt" --override $here/without-vision.txt -c $here/constraints.txt --extra "$role"
done
# The CUDA builds pin their own versions of these.
grep -Ev '^(apache-tvm-ffi|triton)==' $here/constraints.txt >$here/.gpu-constraints
trap 'rm -f $here/.gpu-constraints' EXIT
unset UV_FIND_LINKS # where local wheels are offered, they are CPU builds
compile inference-gpu.txt -c $here/.gpu-constraints --extra inference-gpu
