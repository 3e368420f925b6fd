#!/bin/sh
# Finds Python and runs install.py with it.
set -eu
cd "$(dirname "$0")"
for python in python3.14 python3.13 python3.12 python3.11 python3; do
    if "$python" -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null; then
        exec "$python" install.py "$@"
    fi
done
echo "没有找到 Python 3.11 或更高版本；请先安装，再运行 install.sh。" >&2
echo "No Python 3.11 or newer was found; install it, then run install.sh again." >&2
exit 1
