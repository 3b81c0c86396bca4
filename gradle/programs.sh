#!/bin/sh
# Looks for the programs of programs.txt that the tasks of a Gradle command line need. On Debian, as root, installs the
# packages of those that are missing. Prints what is still missing; fails if that is a program that every task needs.
# Usage: programs.sh ARGUMENT-OF-GRADLE...
set -eu

list=$(dirname "$0")/programs.txt
# Programs for other platforms are installed only if -Pinstall asks for them. Without it the build itself names them.
case " $* " in *' -Pinstall '*) other_platforms=true ;; *) other_platforms=false ;; esac

# Whether a program is here.
has() {
    case $1 in
    /*) [ -e "$1" ] ;;
    # Gradle takes the JDK of JAVA_HOME, otherwise the one on PATH.
    javac) command -v "${JAVA_HOME:+$JAVA_HOME/bin/}javac" >/dev/null ;;
    # Debian's package of python3 alone has no complete venv.
    python3) python3 -c 'import ensurepip, venv' 2>/dev/null ;;
    # rustup has a stand-in for each command of Cargo, also for those that are not installed.
    cargo-*) cargo "${1#cargo-}" --version >/dev/null 2>&1 ;;
    # Debian's servers are in a folder that only root's PATH contains.
    *) PATH=$PATH:/usr/sbin command -v "$1" >/dev/null ;;
    esac
}

# Whether one of the tasks $1 is `all` or among the arguments of Gradle, which follow.
needed() {
    needed_by=,$1,
    shift
    for task in all "$@"; do
        case $task in distAll | platformCheck | reproduce) $other_platforms || continue ;; esac
        case $needed_by in *",${task#:},"*) return 0 ;; esac
    done
    return 1
}

# Prints each line of the list that is needed and whose program is missing.
missing() {
    sed '/^#/d; /^$/d' "$list" | while read -r program packages tasks; do
        if needed "$tasks" "$@" && ! has "$program"; then
            echo "$program $packages $tasks"
        fi
    done
}

install_packages() {
    echo "gradlew: installing $*" >&2
    case "$*" in *:arm64*) dpkg --add-architecture arm64 ;; esac
    # A package must not start a service: the tests start their own.
    policy=/usr/sbin/policy-rc.d
    if [ ! -e "$policy" ]; then
        trap 'rm -f "$policy"' EXIT
        trap 'exit 1' HUP INT TERM
        printf '#!/bin/sh\nexit 101\n' >"$policy"
        chmod +x "$policy"
    fi
    apt-get update -qq &&
        DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends --no-remove "$@"
}

left=$(missing "$@")
if [ -n "$left" ] && [ -f /etc/debian_version ] && [ "$(id -u)" = 0 ]; then
    packages=$(echo "$left" | cut -d ' ' -f 2 | tr , '\n' | sort -u)
    # shellcheck disable=SC2086 # a list of packages
    (install_packages $packages) </dev/null >/dev/null || echo "gradlew: apt-get failed, see above" >&2
    left=$(missing "$@")
fi
[ -n "$left" ] || exit 0

echo "gradlew: missing programs, with the packages of Debian 12 that have them (see gradle/programs.txt):" >&2
echo "$left" | while read -r program packages tasks; do
    echo "  * $program: $packages, for $tasks" >&2
done
if echo "$left" | grep -q ' all$'; then
    echo "gradlew: install those for \`all\` first" >&2
    exit 1
fi
