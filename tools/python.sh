#!/bin/sh
# Runs its arguments with $PYTHON or, where that is not set, with the first Python >= 3.11 found.
set -u

new_enough() {
    "$1" -c 'import sys; sys.exit(sys.version_info < (3, 11))' >/dev/null 2>&1
}

say() {
    echo "$*" >&2
}

# A Python that pyenv or uv has installed, though it is not the one that is chosen here: python3.13.
installed() {
    for found in "${PYENV_ROOT:-$HOME/.pyenv}/versions/${1#python}".*/bin/"$1"; do
        if new_enough "$found"; then
            echo "$found"
            return
        fi
    done
    if command -v uv >/dev/null 2>&1; then
        uv python find --no-project "${1#python}" 2>/dev/null
    fi
}

if [ -n "${PYTHON:-}" ]; then
    if new_enough "$PYTHON"; then
        exec "$PYTHON" "$@"
    fi
    case $PYTHON in
    python3.*)
        found=$(installed "$PYTHON")
        if [ -n "$found" ] && new_enough "$found"; then
            exec "$found" "$@"
        fi
        ;;
    esac
    if ! command -v "$PYTHON" >/dev/null 2>&1; then
        say "There is no $PYTHON, neither on PATH nor of pyenv or uv: PYTHON=/path/to/python3 names one."
    elif ! version=$("$PYTHON" --version 2>/dev/null); then
        say "$(command -v "$PYTHON") does not run: PYTHON=/path/to/python3 names another."
    else
        say "PYTHON=$PYTHON is $version, and wool needs 3.11 or newer."
    fi
    exit 1
fi

for name in python3.14 python3.13 python3.12 python3.11 python3; do
    if new_enough "$name"; then
        exec "$name" "$@"
    fi
done

if command -v uv >/dev/null 2>&1; then
    managed=$(uv python find --no-project '>=3.11' 2>/dev/null)
    if [ -n "$managed" ] && new_enough "$managed"; then
        exec "$managed" "$@"
    fi
fi

found=$(python3 --version 2>/dev/null) || found="no python3"
say "wool needs Python 3.11 or newer; on this machine's PATH is $found."
say "Install one and run make again:"
say "  Debian 12 or newer:  sudo apt install python3 python3-venv"
say "  macOS:               brew install python, or the installer from python.org"
say "If it has another name or place, say so: make test PYTHON=/path/to/python3"
exit 1
