/* Why something failed, in words: a certificate's fault first, since it is the most useful to know,
 * then what the peer said, then what OpenSSL noted. */
#include <openssl/asn1.h>
#include <openssl/bio.h>
#include <openssl/err.h>
#include <openssl/sslerr.h>
#include <openssl/x509_vfy.h>
#include <openssl/x509v3.h>
#include <stdio.h>
#include <string.h>

#include "plugins/tls/openssl/engine.h"

#define NAMES_MAX 200u /* bytes of a certificate's names in an error */

cb_status cb_tls_fail_noted(cb_error *error, cb_status status, const char *what)
{
    unsigned long code = ERR_peek_error();
    char reason[160] = "";
    if (code != 0 && ERR_GET_REASON(code) == ERR_R_MALLOC_FAILURE) {
        ERR_clear_error();
        return cb_tls_fail(error, CB_NO_MEMORY, "out of memory");
    }
    const char *text = ERR_reason_error_string(code);
    if (text != NULL)
        (void)snprintf(reason, sizeof(reason), ": %s", text);
    ERR_clear_error();
    return cb_tls_fail(error, status, "%s%s", what, reason);
}

/* -- the peer's certificate -- */

static void print_time(const ASN1_TIME *time, char *room, size_t size)
{
    struct tm parts;
    if (time != NULL && ASN1_TIME_to_tm(time, &parts) == 1)
        (void)strftime(room, size, "%Y-%m-%d %H:%M:%S UTC", &parts);
    else
        (void)snprintf(room, size, "a time that cannot be read");
}

/* Appends a name that the certificate is for; what could spoil an error's line becomes '?'. */
static void add_name(char *room, size_t size, const unsigned char *bytes, int length)
{
    size_t used = strlen(room);
    if (used > 0 && used + 2 < size) {
        memcpy(room + used, ", ", 3);
        used += 2;
    }
    for (int i = 0; i < length && used + 1 < size; i++, used++) {
        unsigned char byte = bytes[i];
        room[used] = byte > ' ' && byte < 127 ? (char)byte : '?';
        room[used + 1] = '\0';
    }
}

static void add_address(char *room, size_t size, const ASN1_OCTET_STRING *address)
{
    const unsigned char *bytes = ASN1_STRING_get0_data(address);
    int length = ASN1_STRING_length(address);
    char text[64] = "?";
    if (length == 4)
        (void)snprintf(text, sizeof(text), "%u.%u.%u.%u", bytes[0], bytes[1], bytes[2], bytes[3]);
    for (int i = 0; length == 16 && i < 16; i += 2)
        (void)snprintf(text + 5 * (i / 2), sizeof(text) - 5 * (size_t)(i / 2), "%02x%02x%s",
                       bytes[i], bytes[i + 1], i < 14 ? ":" : "");
    add_name(room, size, (const unsigned char *)text, (int)strlen(text));
}

/* The names that a certificate is for: those of its extension, or else its subject's CN. */
static void list_names(X509 *certificate, char *room, size_t size)
{
    room[0] = '\0';
    GENERAL_NAMES *names = X509_get_ext_d2i(certificate, NID_subject_alt_name, NULL, NULL);
    for (int i = 0; i < sk_GENERAL_NAME_num(names); i++) {
        int kind = 0;
        const ASN1_STRING *value = GENERAL_NAME_get0_value(sk_GENERAL_NAME_value(names, i), &kind);
        if (kind == GEN_DNS)
            add_name(room, size, ASN1_STRING_get0_data(value), ASN1_STRING_length(value));
        else if (kind == GEN_IPADD)
            add_address(room, size, value);
    }
    GENERAL_NAMES_free(names);
    if (room[0] == '\0') {
        char common[80];
        int length = X509_NAME_get_text_by_NID(X509_get_subject_name(certificate), NID_commonName,
                                               common, sizeof(common));
        add_name(room, size, (const unsigned char *)common, length);
    }
    if (room[0] == '\0')
        (void)snprintf(room, size, "no name at all");
}

static void explain_name(const cb_tls_session *session, X509 *certificate, cb_error *error)
{
    char names[NAMES_MAX];
    list_names(certificate, names, sizeof(names));
    (void)cb_tls_fail(error, CB_MISMATCH, "the peer's certificate is not for %.128s but for %s",
                      session->host, names);
}

static void explain_time(X509 *certificate, int depth, bool is_over, cb_error *error)
{
    char text[64];
    const char *whose =
        depth > 0 ? "an authority's certificate above the peer's" : "the peer's certificate";
    print_time(is_over ? X509_get0_notAfter(certificate) : X509_get0_notBefore(certificate), text,
               sizeof(text));
    (void)cb_tls_fail(error, CB_INVALID,
                      is_over ? "%s has expired: it was valid until %s"
                              : "%s is not valid yet: it will be from %s",
                      whose, text);
}

int cb_tls_on_verify(int is_good, X509_STORE_CTX *chain)
{
    SSL *ssl = X509_STORE_CTX_get_ex_data(chain, SSL_get_ex_data_X509_STORE_CTX_idx());
    cb_tls_session *session = ssl != NULL ? SSL_get_app_data(ssl) : NULL;
    X509 *current = X509_STORE_CTX_get_current_cert(chain);
    if (is_good == 0 && session != NULL && session->refused == NULL && current != NULL &&
        X509_up_ref(current) == 1) {
        session->refused = current;
        session->refused_depth = X509_STORE_CTX_get_error_depth(chain);
    }
    return is_good;
}

/* True if the peer's certificate was refused by us; the error says why. */
static bool explain_certificate(const cb_tls_session *session, cb_error *error)
{
    long code = SSL_get_verify_result(session->ssl);
    if (code == X509_V_OK)
        return false;
    switch (session->refused != NULL || code == X509_V_ERR_CERT_REJECTED ? code : -1) {
    case X509_V_ERR_CERT_HAS_EXPIRED:
    case X509_V_ERR_CERT_NOT_YET_VALID:
        explain_time(session->refused, session->refused_depth, code == X509_V_ERR_CERT_HAS_EXPIRED,
                     error);
        break;
    case X509_V_ERR_HOSTNAME_MISMATCH:
    case X509_V_ERR_IP_ADDRESS_MISMATCH:
        explain_name(session, session->refused, error);
        break;
    case X509_V_ERR_DEPTH_ZERO_SELF_SIGNED_CERT:
        (void)cb_tls_fail(error, CB_INVALID,
                          "the peer's certificate is self-signed and not among the trusted ones");
        break;
    case X509_V_ERR_SELF_SIGNED_CERT_IN_CHAIN:
    case X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT:
    case X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT_LOCALLY:
    case X509_V_ERR_UNABLE_TO_VERIFY_LEAF_SIGNATURE:
        (void)cb_tls_fail(error, CB_INVALID,
                          "the peer's certificate was signed by an authority that is not trusted");
        break;
    case X509_V_ERR_CERT_REJECTED:
        (void)cb_tls_fail(error, CB_MISMATCH,
                          "the peer's certificate is not the one that was expected");
        break;
    default:
        (void)cb_tls_fail(error, CB_INVALID, "the peer's certificate was refused: %s",
                          X509_verify_cert_error_string(code));
        break;
    }
    return true;
}

/* -- everything else -- */

static void explain_code(unsigned long code, cb_error *error)
{
    int reason = ERR_GET_REASON(code);
    if (reason == ERR_R_MALLOC_FAILURE) {
        (void)cb_tls_fail(error, CB_NO_MEMORY, "out of memory");
        return;
    }
    const char *text = NULL;
    switch (ERR_GET_LIB(code) == ERR_LIB_SSL ? reason : 0) {
    case SSL_R_WRONG_VERSION_NUMBER:
    case SSL_R_HTTP_REQUEST:
    case SSL_R_HTTPS_PROXY_REQUEST:
        text = "the peer does not speak TLS";
        break;
    case SSL_R_UNSUPPORTED_PROTOCOL:
    case SSL_R_VERSION_TOO_LOW:
    case SSL_R_NO_PROTOCOLS_AVAILABLE:
        text = "the peer offers no version of TLS from 1.2 on";
        break;
    case SSL_R_NO_SHARED_CIPHER:
        text = "the peer offers no cipher that is safe today";
        break;
    case SSL_R_NO_APPLICATION_PROTOCOL:
        text = "the peer offers none of the application protocols (ALPN) that are spoken here";
        break;
    case SSL_R_PEER_DID_NOT_RETURN_A_CERTIFICATE:
        text = "the peer has shown no certificate, but one is required";
        break;
    default:
        break;
    }
    if (text != NULL)
        (void)cb_tls_fail(error, CB_INVALID, "%s", text);
    else if (ERR_GET_LIB(code) == ERR_LIB_SSL && reason > SSL_AD_REASON_OFFSET)
        (void)cb_tls_fail(error, CB_IO, "the peer gave up: %s",
                          SSL_alert_desc_string_long(reason - SSL_AD_REASON_OFFSET));
    else
        (void)cb_tls_fail(error, CB_IO, "TLS failed: %s",
                          ERR_reason_error_string(code) != NULL ? ERR_reason_error_string(code)
                                                                : "without a reason");
}

void cb_tls_explain(const cb_tls_session *session, cb_error *error)
{
    unsigned long code = ERR_peek_error();
    bool is_certificate =
        ERR_GET_LIB(code) == ERR_LIB_SSL && ERR_GET_REASON(code) == SSL_R_CERTIFICATE_VERIFY_FAILED;
    if (!is_certificate || !explain_certificate(session, error))
        explain_code(code, error);
    ERR_clear_error();
}
