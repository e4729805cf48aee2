/* PEM files: read whole and bounded first, so that a wrong name (a pipe, a device, a disk image)
 * can neither block nor fill the memory. */
#include <errno.h>
#include <fcntl.h>
#include <openssl/bio.h>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "plugins/tls/openssl/engine.h"

#define CHAIN_MAX 4096u /* certificates of one file */

static cb_status read_into(int descriptor, BIO *memory, const char *file, cb_error *error)
{
    char part[4096];
    size_t total = 0;
    for (;;) {
        ssize_t got = read(descriptor, part, sizeof(part));
        if (got < 0 && errno == EINTR)
            continue;
        if (got < 0)
            return cb_tls_fail(error, CB_IO, "cannot read %s: %s", file, strerror(errno));
        if (got == 0)
            break;
        total += (size_t)got;
        if (total > CB_TLS_PEM_MAX)
            return cb_tls_fail(error, CB_FORMAT, "%s is longer than %u bytes", file,
                               CB_TLS_PEM_MAX);
        if (BIO_write(memory, part, (int)got) != (int)got)
            return cb_tls_fail(error, CB_NO_MEMORY, "out of memory");
    }
    OPENSSL_cleanse(part, sizeof(part)); /* it may have been a key */
    return CB_OK;
}

/* The file's bytes; the caller's to free. Secure memory would be the key's place, but the parsed
 * key lies in ordinary memory as well. */
static cb_status open_file(const char *file, BIO **result, cb_error *error)
{
    *result = NULL;
    if (file == NULL || file[0] == '\0')
        return cb_tls_fail(error, CB_INVALID, "the name of a file is empty");
    int descriptor = open(file, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
    if (descriptor < 0)
        return cb_tls_fail(error, CB_IO, "cannot open %s: %s", file, strerror(errno));
    struct stat information;
    cb_status status = CB_OK;
    BIO *memory = NULL;
    if (fstat(descriptor, &information) != 0)
        status = cb_tls_fail(error, CB_IO, "cannot read %s: %s", file, strerror(errno));
    else if (!S_ISREG(information.st_mode))
        status = cb_tls_fail(error, CB_IO, "%s is no ordinary file", file);
    else if ((memory = BIO_new(BIO_s_mem())) == NULL)
        status = cb_tls_fail(error, CB_NO_MEMORY, "out of memory");
    else
        status = read_into(descriptor, memory, file, error);
    (void)close(descriptor);
    if (status != CB_OK)
        BIO_free(memory);
    else
        *result = memory;
    return status;
}

/* Whether reading stopped because no further PEM block begins. */
static bool is_at_end(void)
{
    unsigned long code = ERR_peek_last_error();
    return ERR_GET_LIB(code) == ERR_LIB_PEM && ERR_GET_REASON(code) == PEM_R_NO_START_LINE;
}

/* All certificates but the first; stops at the end of the file. */
static cb_status read_chain(BIO *memory, const char *file, cb_tls_chain **result, cb_error *error)
{
    cb_tls_chain *chain = sk_X509_new_null();
    if (chain == NULL)
        return cb_tls_fail(error, CB_NO_MEMORY, "out of memory");
    cb_status status = CB_OK;
    while (status == CB_OK) {
        X509 *next = PEM_read_bio_X509(memory, NULL, NULL, NULL);
        if (next == NULL)
            break;
        if ((size_t)sk_X509_num(chain) == CHAIN_MAX)
            status = cb_tls_fail(error, CB_FORMAT, "%s holds more than %u certificates", file,
                                 CHAIN_MAX);
        else if (sk_X509_push(chain, next) <= 0)
            status = cb_tls_fail(error, CB_NO_MEMORY, "out of memory");
        if (status != CB_OK)
            X509_free(next);
    }
    if (status == CB_OK && !is_at_end()) {
        char what[CB_ERROR_TEXT_SIZE];
        (void)snprintf(what, sizeof(what), "certificate number %d of %.300s cannot be understood",
                       sk_X509_num(chain) + 2, file);
        status = cb_tls_fail_noted(error, CB_FORMAT, what);
    }
    ERR_clear_error();
    if (status == CB_OK)
        *result = chain;
    else
        sk_X509_pop_free(chain, X509_free);
    return status;
}

cb_status cb_tls_read_certificates(const char *file, X509 **first, cb_tls_chain **chain,
                                   cb_error *error)
{
    *first = NULL;
    if (chain != NULL)
        *chain = NULL;
    BIO *memory = NULL;
    cb_status status = open_file(file, &memory, error);
    if (status != CB_OK)
        return status;
    ERR_clear_error();
    *first = PEM_read_bio_X509_AUX(memory, NULL, NULL, NULL);
    if (*first == NULL && is_at_end())
        status = cb_tls_fail(error, CB_FORMAT, "there is no certificate in %s", file);
    else if (*first == NULL) {
        char what[CB_ERROR_TEXT_SIZE];
        (void)snprintf(what, sizeof(what), "the certificate in %.300s cannot be understood", file);
        status = cb_tls_fail_noted(error, CB_FORMAT, what);
    } else if (chain != NULL) {
        status = read_chain(memory, file, chain, error);
    }
    ERR_clear_error();
    BIO_free(memory);
    if (status != CB_OK) {
        X509_free(*first);
        *first = NULL;
    }
    return status;
}

/* Called when a key turns out to be encrypted; there is nobody to ask for the password. */
static int on_password(char *room, int size, int is_writing, void *user)
{
    (void)room;
    (void)size;
    (void)is_writing;
    *(bool *)user = true;
    return -1;
}

cb_status cb_tls_read_key(const char *file, EVP_PKEY **key, cb_error *error)
{
    *key = NULL;
    BIO *memory = NULL;
    cb_status status = open_file(file, &memory, error);
    if (status != CB_OK)
        return status;
    char *text = NULL;
    long length = BIO_get_mem_data(memory, &text);
    static const char mark[] = "PRIVATE KEY-----";
    bool is_there = length > 0 && memmem(text, (size_t)length, mark, sizeof(mark) - 1) != NULL;
    bool is_encrypted = false;
    ERR_clear_error();
    *key = PEM_read_bio_PrivateKey(memory, NULL, on_password, &is_encrypted);
    if (*key == NULL && is_encrypted) {
        status =
            cb_tls_fail(error, CB_FORMAT,
                        "the key in %s is encrypted; it must be stored without a password", file);
    } else if (*key == NULL && !is_there) {
        status = cb_tls_fail(error, CB_FORMAT, "there is no private key in %s", file);
    } else if (*key == NULL) {
        char what[CB_ERROR_TEXT_SIZE];
        (void)snprintf(what, sizeof(what), "the key in %.300s cannot be understood", file);
        status = cb_tls_fail_noted(error, CB_FORMAT, what);
    }
    ERR_clear_error();
    BIO_free(memory);
    return status;
}
