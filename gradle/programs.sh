#!/bin/sh
# Looks for the programs of programs.txt that the tasks of a Gradle command line need. On Debian, as root, installs the
# packages of those that are missing. Prints what is still missing; fails if that is a program that every task needs.
# Usage: programs.sh ARGUMENT-OF-GRADLE...
set -eu

list=$(dirname "$0")/programs.txt
# Programs for other platforms are installed only if -Pinstall asks for them. Without it the build itself names them.
case " $* " in *' -Pinstall '* | *' -Pinstall='*) other_platforms=true ;; *) other_platforms=false ;; esac

# Whether a program is here.
has() {
    case $1 in
    /*) [ -e "$1" ] ;;
    # Gradle and pfscim take the JDK of JAVA_HOME, otherwise the one on PATH.
    java | javac | keytool) command -v "${JAVA_HOME:+$JAVA_HOME/bin/}$1" >/dev/null ;;
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
    before=''
    for task in all "$@"; do
        case $before in -x | --exclude-task) before='' && continue ;; esac
        before=$task
        case $task in
        distAll | platformCheck | reproduce) $other_platforms || continue ;;
        build) task=check ;;
        esac
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

lines=$(missing "$@")
if [ -n "$lines" ] && [ -f /etc/debian_version ] && [ "$(id -u)" = 0 ]; then
    packages=$(echo "$lines" | cut -d ' ' -f 2 | tr , '\n' | sort -u)
    # shellcheck disable=SC2086 # a list of packages
    (install_packages $packages) </dev/null >/dev/null || echo "gradlew: apt-get failed, see above" >&2
    lines=$(missing "$@")
fi
[ -n "$lines" ] || exit 0

echo "gradlew: missing programs, from gradle/programs.txt:" >&2
echo "$lines" | while read -r program packages tasks; do
    case $program in
    java | javac | keytool)
        [ -z "${JAVA_HOME:-}" ] || program="$program in JAVA_HOME ($JAVA_HOME)" ;;
    # rustup's commands are before those of Debian on PATH.
    cargo-*) if [ -n "$(command -v rustup)" ]; then packages="rustup component add ${program#cargo-}"; fi ;;
    esac
    echo "  * $program, for $tasks: $packages" >&2
done
echo "gradlew: to install them: on Debian 12, as root, run this again, or apt-get install their packages (the last column)" >&2
if echo "$lines" | grep -q ' all$'; then
    echo "gradlew: stopped, because every task needs one of them" >&2
    exit 1
fi
if [ "${CI:-}" = true ]; then
    echo "gradlew: stopped, because CI=true is set: a test without its program would fail" >&2
    exit 1
fi
echo "gradlew: goes on; a test or check without its program is not run" >&2
