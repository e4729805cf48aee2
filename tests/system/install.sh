#!/usr/bin/env bash
# An installed Callboard finds its own plugins, wherever it was put.
set -euo pipefail

prefix=$(mktemp -d)
trap 'rm -rf "$prefix"' EXIT
cmake --install "$CALLBOARD_BUILD" --prefix "$prefix" >"$prefix/log" || {
    cat "$prefix/log"
    exit 1
}

for file in bin/callboard include/callboard/plugin.h lib/callboard/plugins/print/PrintPlugin.so; do
    [[ -f $prefix/$file ]] || {
        echo "not installed: $file"
        exit 1
    }
done
compgen -G "$prefix/lib*/**/libcallboard.so.0*" >/dev/null ||
    compgen -G "$prefix/lib*/libcallboard.so.0*" >/dev/null || {
    echo "not installed: libcallboard.so"
    exit 1
}

cat >"$prefix/hello.dom" <<'DOM'
plugin "print/PrintPlugin";
void main() { printf("installed %d\n", 1); }
DOM
unset CALLBOARD_PLUGIN_PATH
output=$("$prefix/bin/callboard" run "$prefix/hello.dom")
[[ $output == "installed 1" ]] || {
    echo "the installed program printed: $output"
    exit 1
}
echo "1 passed, 0 failed"
