/* The table of the service tls.provider, over OpenSSL. */
#include "plugins/tls/openssl/engine.h"
#include "plugins/tls/tls.h"

const cb_tls_provider cb_tls_the_provider = {
    .abi = CB_TLS_ABI,
    .size = sizeof(cb_tls_provider),
    .name = "openssl",
    .server_context_new = cb_tls_server_context_new,
    .client_context_new = cb_tls_client_context_new,
    .context_retain = cb_tls_context_retain,
    .context_release = cb_tls_context_release,
    .session_new = cb_tls_session_new,
    .session_free = cb_tls_session_free,
    .handshake = cb_tls_handshake,
    .feed = cb_tls_feed,
    .pending = cb_tls_pending,
    .take = cb_tls_take,
    .read = cb_tls_read,
    .write = cb_tls_write,
    .close = cb_tls_close,
    .version = cb_tls_version,
    .cipher = cb_tls_cipher,
    .protocol = cb_tls_protocol,
    .server_name = cb_tls_server_name,
    .peer_subject = cb_tls_peer_subject,
    .context_rotate = cb_tls_context_rotate,
};

/* OpenSSL refuses to start again after its end. */
bool cb_tls_is_alive(void)
{
    return OPENSSL_init_ssl(0, NULL) == 1;
}
