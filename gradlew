#!/bin/sh
# Runs Gradle on this build, after a look at what the build needs: a JDK, Rust, Python 3 with venv, a C compiler.
# It downloads nothing by itself: Gradle is the one on PATH or, on Debian and Ubuntu as root, the distribution's package.
set -eu

here=$(CDPATH='' cd -- "$(dirname -- "$0")" && pwd)
missing=''

has() { command -v "$1" >/dev/null 2>&1; }
need() { missing="$missing
  * $1"; }
# Whether version $1 is at least version $2, both MAJOR.MINOR and more.
at_least() { awk -v have="$1" -v want="$2" 'BEGIN { split(have, h, "."); split(want, w, ".")
    exit !(h[1] + 0 > w[1] + 0 || (h[1] + 0 == w[1] + 0 && h[2] + 0 >= w[2] + 0)) }'; }

# The JDK: as Gradle finds it, by JAVA_HOME, then on PATH.
if [ -n "${JAVA_HOME:-}" ]; then javac=$JAVA_HOME/bin/javac; else javac=javac; fi
java_version=$("$javac" -version 2>&1 | sed -n 's/^javac \([0-9][0-9.]*\).*/\1/p') || true
if [ -z "$java_version" ]; then
    need "a JDK, 17 or later: no $javac (Debian, Ubuntu: apt-get install openjdk-17-jdk-headless)"
elif ! at_least "$java_version" 17.0; then
    need "a JDK, 17 or later: $javac is $java_version"
fi

rust_wanted=$(sed -n 's/^rust-version = "\(.*\)"/\1/p' "$here/Cargo.toml")
rust_version=$(cargo --version 2>/dev/null | sed -n 's/^cargo \([0-9][0-9.]*\).*/\1/p') || true
if [ -z "$rust_version" ]; then
    need "Rust, $rust_wanted or later: no cargo on PATH (by rustup; Debian 12: apt-get install cargo-web)"
elif ! at_least "$rust_version" "$rust_wanted"; then
    need "Rust, $rust_wanted or later: cargo is $rust_version"
fi

if ! has cc && ! has gcc; then need "a C compiler (Debian, Ubuntu: apt-get install gcc libc6-dev)"; fi

if ! has python3; then
    need "Python 3.10 or later, with venv (Debian, Ubuntu: apt-get install python3-venv)"
elif ! python3 -c 'import sys; sys.exit(sys.version_info < (3, 10))'; then
    need "Python 3.10 or later: python3 is $(python3 -V 2>&1)"
elif ! python3 -c 'import ensurepip, venv' 2>/dev/null; then
    need "Python's venv module (Debian, Ubuntu: apt-get install python3-venv)"
fi

# What Debian's packages bring: Gradle and, for the tests, the servers of others that they start themselves. Each pair is
# a command and the package that has it.
wanted='gradle:gradle'
case " $* " in
*' check '* | *serverTest*)
    wanted="$wanted node:nodejs npm:npm nginx:nginx-light tinyproxy:tinyproxy-bin slapd:slapd ldapmodify:ldap-utils chromium:chromium" ;;
esac
packages=''
for pair in $wanted; do
    command=${pair%%:*}
    # Servers stand where only root's path leads.
    has "$command" || [ -x "/usr/sbin/$command" ] || packages="$packages ${pair#*:}"
done
if [ -n "$packages" ]; then
    if [ -f /etc/debian_version ] && has apt-get && [ "$(id -u)" = 0 ]; then
        echo "gradlew: installing$packages" >&2
        # A package must not start a service of its own: the tests start theirs themselves.
        policy=/usr/sbin/policy-rc.d
        if [ -e "$policy" ]; then policy=''; else printf '#!/bin/sh\nexit 101\n' >"$policy" && chmod +x "$policy"; fi
        # shellcheck disable=SC2086 # a list of packages
        { apt-get update -qq && DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends $packages; } \
            </dev/null >/dev/null || need "$packages: apt-get install failed, see above"
        [ -z "$policy" ] || rm -f "$policy"
    else
        need "$packages (names of Debian's packages; Gradle 4.4.1 or later)"
    fi
fi

if [ -n "$missing" ]; then
    echo "gradlew: to build pfscim, install what is missing:$missing" >&2
    exit 1
fi

# Without a locale Java prints question marks for the letters of users' names.
if [ -z "${LC_ALL:-}${LC_CTYPE:-}${LANG:-}" ]; then LC_ALL=C.UTF-8 && export LC_ALL; fi

cd "$here"
exec gradle "$@"
