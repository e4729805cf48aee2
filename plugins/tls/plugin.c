/* tls: this file is the tables, of verbs and of services. */
#include "plugins/tls/tls.h"

static const cb_verb verbs[] = {
    {"Backend", "string()", cb_tls_verb_backend, 0, "openssl, or stub in a build without it"},
    /* -- connections -- */
    {"NewClient", "i64(string host, i32 port, i32 timeoutMs?)", cb_tls_verb_new_client,
     CB_VERB_BLOCKS, "connects to a server, still without TLS; the connection's handle"},
    {"NewServerContext", "i64(string certFile, string keyFile)", cb_tls_verb_new_server_context,
     CB_VERB_BLOCKS, "reads a certificate and its key; the context's handle"},
    {"Accept", "i64(i64 context, i32 port, i32 timeoutMs?, string address?)", cb_tls_verb_accept,
     CB_VERB_BLOCKS, "waits for a client, still without TLS; its handle, or 0 if none came"},
    {"Handshake", "i32(i64 handle, i32 timeoutMs?)", cb_tls_verb_shake_hands, CB_VERB_BLOCKS,
     "agrees on TLS with the peer and verifies who it is; 0"},
    {"Close", "i32(i64 handle)", cb_tls_verb_close_link, CB_VERB_BLOCKS,
     "says good-bye and closes the connection; 0"},
    {"CloseServerContext", "i32(i64 context)", cb_tls_verb_close_server_context, 0,
     "stops listening; connections live on; 0"},
    /* -- bytes -- */
    {"Write", "i64(i64 handle, blob bytes, i32 timeoutMs?)", cb_tls_verb_write_blob, CB_VERB_BLOCKS,
     "sends all of the bytes; how many there were"},
    {"Read", "blob(i64 handle, i64 max, i32 timeoutMs?)", cb_tls_verb_read_blob, CB_VERB_BLOCKS,
     "waits for bytes, at most max; empty when the peer has said good-bye"},
    /* -- whom to trust, and who it is -- */
    {"SetVerify", "i32(i64 handle, i32 verify)", cb_tls_verb_set_verify, CB_VERB_BLOCKS,
     "1: the peer must show a good certificate, 0: it need not; 0"},
    {"LoadCa", "i32(i64 handle, string file)", cb_tls_verb_load_ca, CB_VERB_BLOCKS,
     "trusts a file's authorities instead of the system's; 0"},
    {"PeerSubject", "string(i64 handle)", cb_tls_verb_get_peer_subject, 0,
     "the subject of the peer's certificate"},
    {"Version", "string(i64 handle)", cb_tls_verb_get_version, 0, "TLSv1.3 or TLSv1.2"},
    {"Cipher", "string(i64 handle)", cb_tls_verb_get_cipher, 0, "the name of the cipher in use"},
};

CB_PLUGIN_EXPORT const cb_plugin callboard_plugin = {
    .abi = CB_PLUGIN_ABI,
    .name_space = "tls",
    .version = "0.1.0",
    .summary = "TLS connections",
    .verbs = verbs,
    .verb_count = sizeof verbs / sizeof verbs[0],
};

CB_PLUGIN_EXPORT const cb_service callboard_services[] = {
    {CB_TLS_SERVICE, CB_TLS_ABI, &cb_tls_the_provider},
    {NULL, 0, NULL},
};
