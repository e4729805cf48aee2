/* Certificates for the tests of TLS, made anew each time so that none has expired; and the provider
 * for them.
 *
 * A separate folder holds them as PEM files; each pair is NAME.crt and NAME.key.
 * Threads: one. A failure ends the program: without certificates there is nothing to test.
 */
#ifndef CALLBOARD_TESTS_TLS_CERTIFICATES_H
#define CALLBOARD_TESTS_TLS_CERTIFICATES_H

#include <stdbool.h>

#include "callboard/tls.h"

typedef struct tls_certificate_options {
    const char *name;     /* the name of its files, and its subject's CN */
    const char *issuer;   /* the name of an earlier certificate; NULL: self-signed */
    const char *subjects; /* "DNS:localhost,IP:127.0.0.1"; NULL: no extension */
    long from_s;          /* its validity, in seconds from now; both 0: from yesterday, for a day */
    long to_s;
    bool is_authority;
} tls_certificate_options;

/* Makes the folder; tls_certificates_end removes it. */
void tls_certificates_begin(void);
void tls_certificates_end(void);
void tls_certificate(const tls_certificate_options *options);

/* The path of a file in the folder; valid during the next 15 calls. */
const char *tls_file(const char *name, const char *ending);
/* Makes a copy of a key, encrypted with a password. */
void tls_encrypt_key(const char *from, const char *to);
/* Writes a file NAME.ENDING with this text. */
void tls_write_file(const char *name, const char *ending, const char *text);

/* The provider in this build's plugin; NULL and a message if it cannot be loaded. */
const cb_tls_provider *tls_load_provider(void);

#endif
