#!/bin/sh
# Builds the zip of the current commit a second time, and compares the bytes. Usage: reproduce.sh ZIP FOLDER
# The second build is in a clone in another folder, with another time zone, language and file mode mask.
set -eu

zip=$1
folder=$2
if [ -n "$(git status --porcelain)" ]; then
    echo "reproduce: the working tree has uncommitted changes; commit them first" >&2
    exit 1
fi
rm -rf "$folder"
git clone --quiet . "$folder/another-place"
(
    cd "$folder/another-place"
    umask 077
    TZ=Asia/Tokyo LC_ALL=C ./gradlew --no-daemon --console=plain --quiet distAll
)
second="$folder/another-place/$zip"
sha256sum "$zip" "$second"
if cmp "$zip" "$second"; then
    rm -rf "$folder"
    echo "The zip of $(git rev-parse --short HEAD) has the same bytes from both builds."
else
    echo "reproduce: the zips differ; compare $zip with $second" >&2
    exit 1
fi
