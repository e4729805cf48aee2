#include "plugins/tls/openssl/tickets.h"

#include <openssl/core_names.h>
#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/rand.h>
#include <string.h>
#include <time.h>

#include "plugins/tls/openssl/engine.h"

/* What the callback answers, as OpenSSL wants it. */
enum { ANSWER_ERROR = -1, ANSWER_NO_TICKET = 0, ANSWER_GOOD = 1, ANSWER_RENEW = 2 };

static int64_t now_s(void)
{
    struct timespec now = {0, 0};
    (void)clock_gettime(CLOCK_MONOTONIC, &now); /* cannot fail for this clock */
    return (int64_t)now.tv_sec;
}

static bool turn_locked(cb_tls_tickets *tickets)
{
    cb_tls_ticket_key fresh = {.made_s = now_s(), .is_set = true};
    if (RAND_bytes(fresh.name, sizeof(fresh.name)) != 1 ||
        RAND_priv_bytes(fresh.cipher, sizeof(fresh.cipher)) != 1 ||
        RAND_priv_bytes(fresh.mac, sizeof(fresh.mac)) != 1)
        return false;
    tickets->previous = tickets->current;
    tickets->current = fresh;
    OPENSSL_cleanse(&fresh, sizeof(fresh));
    return true;
}

cb_status cb_tls_tickets_init(cb_tls_tickets *tickets, cb_error *error)
{
    int code = pthread_mutex_init(&tickets->lock, NULL);
    if (code != 0)
        return cb_tls_fail(error, CB_NO_MEMORY, "cannot make a lock: %s", strerror(code));
    cb_status status = cb_tls_tickets_turn(tickets, error);
    if (status != CB_OK)
        (void)pthread_mutex_destroy(&tickets->lock);
    return status;
}

void cb_tls_tickets_wipe(cb_tls_tickets *tickets)
{
    (void)pthread_mutex_destroy(&tickets->lock);
    OPENSSL_cleanse(tickets, sizeof(*tickets));
}

cb_status cb_tls_tickets_turn(cb_tls_tickets *tickets, cb_error *error)
{
    pthread_mutex_lock(&tickets->lock);
    bool is_done = turn_locked(tickets);
    pthread_mutex_unlock(&tickets->lock);
    return is_done ? CB_OK : cb_tls_fail_noted(error, CB_IO, "no random bytes for ticket keys");
}

/* A copy of the key that a new ticket is sealed with. */
static int key_to_seal(cb_tls_tickets *tickets, cb_tls_ticket_key *key)
{
    int answer = ANSWER_GOOD;
    pthread_mutex_lock(&tickets->lock);
    if (now_s() - tickets->current.made_s >= CB_TLS_TICKET_TURN_S && !turn_locked(tickets))
        answer = ANSWER_ERROR;
    *key = tickets->current;
    pthread_mutex_unlock(&tickets->lock);
    return answer;
}

static bool is_named(const cb_tls_ticket_key *key, const unsigned char *name)
{
    return key->is_set && CRYPTO_memcmp(key->name, name, sizeof(key->name)) == 0 &&
           now_s() - key->made_s < 2 * (int64_t)CB_TLS_TICKET_TURN_S;
}

/* A copy of the key that a ticket was sealed with; none if its time is over. */
static int key_to_open(cb_tls_tickets *tickets, const unsigned char *name, cb_tls_ticket_key *key)
{
    int answer = ANSWER_NO_TICKET;
    pthread_mutex_lock(&tickets->lock);
    if (is_named(&tickets->current, name)) {
        *key = tickets->current;
        answer = ANSWER_GOOD;
    } else if (is_named(&tickets->previous, name)) {
        *key = tickets->previous;
        answer = ANSWER_RENEW;
    }
    pthread_mutex_unlock(&tickets->lock);
    return answer;
}

static bool set_up(const cb_tls_ticket_key *key, const unsigned char *iv, EVP_CIPHER_CTX *cipher,
                   EVP_MAC_CTX *mac, bool is_sealing)
{
    char digest[] = "SHA256";
    uint8_t secret[sizeof(key->mac)];
    memcpy(secret, key->mac, sizeof(secret));
    OSSL_PARAM parameters[] = {
        OSSL_PARAM_construct_octet_string(OSSL_MAC_PARAM_KEY, secret, sizeof(secret)),
        OSSL_PARAM_construct_utf8_string(OSSL_MAC_PARAM_DIGEST, digest, 0),
        OSSL_PARAM_construct_end(),
    };
    bool is_done = EVP_CipherInit_ex(cipher, EVP_aes_256_cbc(), NULL, key->cipher, iv,
                                     is_sealing ? 1 : 0) == 1 &&
                   EVP_MAC_CTX_set_params(mac, parameters) == 1;
    OPENSSL_cleanse(secret, sizeof(secret));
    return is_done;
}

static int on_ticket(SSL *ssl, unsigned char *name, unsigned char *iv, EVP_CIPHER_CTX *cipher,
                     EVP_MAC_CTX *mac, int is_sealing)
{
    cb_tls_context *context = SSL_CTX_get_app_data(SSL_get_SSL_CTX(ssl));
    cb_tls_ticket_key key;
    int answer = is_sealing != 0 ? key_to_seal(&context->tickets, &key)
                                 : key_to_open(&context->tickets, name, &key);
    if (answer <= ANSWER_NO_TICKET)
        return answer;
    if (is_sealing != 0) {
        memcpy(name, key.name, sizeof(key.name));
        if (RAND_bytes(iv, EVP_CIPHER_get_iv_length(EVP_aes_256_cbc())) != 1)
            answer = ANSWER_ERROR;
    }
    if (answer != ANSWER_ERROR && !set_up(&key, iv, cipher, mac, is_sealing != 0))
        answer = ANSWER_ERROR;
    /* Clients use a ticket of TLS 1.3 once, so each resumption has to bring the next one. */
    if (answer == ANSWER_GOOD && is_sealing == 0 && SSL_version(ssl) == TLS1_3_VERSION)
        answer = ANSWER_RENEW;
    OPENSSL_cleanse(&key, sizeof(key));
    return answer;
}

bool cb_tls_tickets_use(SSL_CTX *ssl)
{
    return SSL_CTX_set_tlsext_ticket_key_evp_cb(ssl, on_ticket) == 1;
}
