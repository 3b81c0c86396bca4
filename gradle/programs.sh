#!/bin/sh
# Checks that the programs of programs.txt for the tasks of a Gradle command line are installed. Usage: programs.sh ARGUMENT...
# On Debian, as root, it installs the packages of missing programs. It prints the programs that are then still missing, and
# fails if every task needs one of them.
set -eu

list=$(dirname "$0")/programs.txt
# Programs for other platforms are installed only with -Pinstall. Without it, a task of the build reports them.
case " $* " in *' -Pinstall '* | *' -Pinstall='*) other_platforms=true ;; *) other_platforms=false ;; esac

# Succeeds if a program is installed.
is_installed() {
    case $1 in
    /*) [ -e "$1" ] ;;
    # Gradle and pfscim use the JDK of JAVA_HOME, otherwise the one on PATH.
    java | javac | keytool) command -v "${JAVA_HOME:+$JAVA_HOME/bin/}$1" >/dev/null ;;
    # Debian's package python3 does not contain all of venv.
    python3) python3 -c 'import ensurepip, venv' 2>/dev/null ;;
    # rustup puts a proxy for each command of Cargo on PATH, also if the command is not installed.
    cargo-*) cargo "${1#cargo-}" --version >/dev/null 2>&1 ;;
    # Debian installs servers into /usr/sbin, which only root's PATH contains.
    *) PATH=$PATH:/usr/sbin command -v "$1" >/dev/null ;;
    esac
}

# Succeeds if one of the tasks $1 is `all`, or is in the arguments of Gradle, which follow.
is_needed() {
    needed_by=,$1,
    shift
    previous=''
    for task in all "$@"; do
        case $previous in -x | --exclude-task) previous='' && continue ;; esac
        previous=$task
        case $task in
        distAll | platformCheck | reproduce) $other_platforms || continue ;;
        build) task=check ;;
        esac
        case $needed_by in *",${task#:},"*) return 0 ;; esac
    done
    return 1
}

# Prints each line of the list whose program is needed and missing.
missing() {
    sed '/^#/d; /^$/d' "$list" | while read -r program packages tasks; do
        if is_needed "$tasks" "$@" && ! is_installed "$program"; then
            echo "$program $packages $tasks"
        fi
    done
}

install_packages() {
    echo "gradlew: installing $*" >&2
    case "$*" in *:arm64*) dpkg --add-architecture arm64 ;; esac
    # The packages must not start services, because the tests start their own.
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
    # On PATH, the commands of rustup come before those of Debian.
    cargo-*) if [ -n "$(command -v rustup)" ]; then packages="rustup component add ${program#cargo-}"; fi ;;
    esac
    echo "  * $program, for $tasks: $packages" >&2
done
echo "gradlew: to install them on Debian 12, run this again as root, or apt-get install the packages in the last column" >&2
if echo "$lines" | grep -q ' all$'; then
    echo "gradlew: stopped, because every task needs one of them" >&2
    exit 1
fi
if [ "${CI:-}" = true ]; then
    echo "gradlew: stopped, because CI=true is set and a test without its program would fail" >&2
    exit 1
fi
echo "gradlew: continues; each test or check without its program is skipped" >&2
