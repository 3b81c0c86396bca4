#!/bin/sh
# Runs Gradle on this build, after it checks what the build needs: the programs of gradle/programs.txt, and the versions of
# JDK, Rust and Python. Gradle is the one on PATH; this script does not download it.
set -eu

here=$(CDPATH='' cd -- "$(dirname -- "$0")" && pwd)

sh "$here/gradle/programs.sh" "$@"

# Stops if $1 has version $2, and $3 or later is needed. Of a version MAJOR.MINOR and more, these two are compared.
require() {
    awk -v have="$2" -v want="$3" 'BEGIN { split(have, h, "."); split(want, w, ".")
        exit !(h[1] + 0 > w[1] + 0 || (h[1] + 0 == w[1] + 0 && h[2] + 0 >= w[2] + 0)) }' && return
    echo "gradlew: pfscim needs $1 $3 or later, but $4 is ${2:-of an unknown version}" >&2
    exit 1
}

# As Gradle finds it, by JAVA_HOME, then on PATH.
javac=${JAVA_HOME:+$JAVA_HOME/bin/}javac
require JDK "$("$javac" -version 2>&1 | sed -n 's/^javac \([0-9][0-9.]*\).*/\1/p')" 17 "$javac"
rust_wanted=$(sed -n 's/^rust-version = "\(.*\)"/\1/p' "$here/Cargo.toml")
require Rust "$(cargo --version | sed -n 's/^cargo \([0-9][0-9.]*\).*/\1/p')" "$rust_wanted" cargo
require Python "$(python3 -V | sed -n 's/^Python \([0-9][0-9.]*\).*/\1/p')" 3.10 python3

# Without a locale Java prints question marks for the letters of users' names.
if [ -z "${LC_ALL:-}${LC_CTYPE:-}${LANG:-}" ]; then LC_ALL=C.UTF-8 && export LC_ALL; fi

cd "$here"
exec gradle "$@"
