#!/usr/bin/env bash
# A build without OpenSSL has the plugin all the same: it says what it is, and each verb fails
# cleanly. Only the plugin is built; the program is the one under test.
set -euo pipefail

folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
quietly() { "$@" >"$folder/log" 2>&1 || { cat "$folder/log"; exit 1; }; }
quietly cmake -S "$CALLBOARD_SOURCE" -B "$folder/build" -DCB_OPENSSL=OFF -DCB_TESTS=OFF
quietly cmake --build "$folder/build" --target plugin_tls plugin_print plugin_blob

if ldd "$folder/build/plugins/tls/TlsPlugin.so" | grep -q libssl; then
    echo "the plugin without OpenSSL links it"
    exit 1
fi

export CALLBOARD_PLUGIN_PATH=$folder/build/plugins
failed=0
run() { # TEXT: the script's main; prints what it says
    cat >"$folder/script.dom" <<DOM
plugin "print/PrintPlugin";
plugin "blob/BlobPlugin";
plugin "tls/TlsPlugin";
void main() { $1; }
DOM
    "$CALLBOARD" run "$folder/script.dom" 2>&1 || true
}

said=$(run 'printf("%s\n", tls.Backend())')
[[ $said == stub ]] || { echo "Backend said: $said"; failed=1; }

for call in 'NewClient("localhost", 443)' 'NewServerContext("a.crt", "a.key")' 'Accept(1, 443)' \
    'Handshake(1)' 'Close(1)' 'CloseServerContext(1)' 'Write(1, blob.FromText("x"))' 'Read(1, 1)' \
    'SetVerify(1, 0)' 'LoadCa(1, "a.crt")' 'PeerSubject(1)' 'Version(1)' 'Cipher(1)'; do
    said=$(run "tls.$call")
    [[ $said == *"runtime error: tls.${call%%(*}: TLS is not available: this build has no OpenSSL"* ]] ||
        { echo "$call said: $said"; failed=1; }
done
((failed == 0)) && echo "14 passed, 0 failed"
exit $failed
