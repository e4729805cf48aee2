#include "tests/unit/tls_certificates.h"

#include <dirent.h>
#include <dlfcn.h>
#include <limits.h>
#include <openssl/ec.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/x509v3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "callboard/plugin.h"

#define PATHS 16
#define DAY_S 86400L

static char folder[] = "/tmp/callboard_tls_XXXXXX";

static void must(bool is_good, const char *what)
{
    if (is_good)
        return;
    fprintf(stderr, "certificates for the test: cannot %s\n", what);
    exit(1);
}

void tls_certificates_begin(void)
{
    must(mkdtemp(folder) != NULL, "make a folder");
}

void tls_certificates_end(void)
{
    DIR *files = opendir(folder);
    for (struct dirent *file = files != NULL ? readdir(files) : NULL; file != NULL;
         file = readdir(files)) {
        char path[512];
        (void)snprintf(path, sizeof path, "%s/%s", folder, file->d_name);
        (void)unlink(path);
    }
    if (files != NULL)
        (void)closedir(files);
    (void)rmdir(folder);
}

const char *tls_file(const char *name, const char *ending)
{
    static char paths[PATHS][256];
    static unsigned next;
    char *path = paths[next++ % PATHS];
    (void)snprintf(path, sizeof paths[0], "%s/%s.%s", folder, name, ending);
    return path;
}

static FILE *open_file(const char *name, const char *ending, const char *mode)
{
    FILE *file = fopen(tls_file(name, ending), mode);
    must(file != NULL, "open a file");
    return file;
}

void tls_write_file(const char *name, const char *ending, const char *text)
{
    FILE *file = open_file(name, ending, "w");
    must(fputs(text, file) >= 0 && fclose(file) == 0, "write a file");
}

static EVP_PKEY *read_key(const char *name)
{
    FILE *file = open_file(name, "key", "r");
    EVP_PKEY *key = PEM_read_PrivateKey(file, NULL, NULL, NULL);
    must(key != NULL, "read a key");
    (void)fclose(file);
    return key;
}

static void extend(X509 *certificate, X509 *issuer, int kind, const char *value)
{
    X509V3_CTX context;
    X509V3_set_ctx(&context, issuer, certificate, NULL, NULL, 0);
    X509_EXTENSION *extension = X509V3_EXT_conf_nid(NULL, &context, kind, value);
    must(extension != NULL && X509_add_ext(certificate, extension, -1) == 1, "add an extension");
    X509_EXTENSION_free(extension);
}

static X509 *read_certificate(const char *name)
{
    FILE *file = open_file(name, "crt", "r");
    X509 *certificate = PEM_read_X509(file, NULL, NULL, NULL);
    must(certificate != NULL, "read a certificate");
    (void)fclose(file);
    return certificate;
}

static void write_pair(const char *name, X509 *certificate, EVP_PKEY *key)
{
    FILE *file = open_file(name, "crt", "w");
    must(PEM_write_X509(file, certificate) == 1 && fclose(file) == 0, "write a certificate");
    file = open_file(name, "key", "w");
    must(PEM_write_PrivateKey(file, key, NULL, NULL, 0, NULL, NULL) == 1 && fclose(file) == 0,
         "write a key");
}

void tls_certificate(const tls_certificate_options *options)
{
    static long serial = 1;
    bool is_usual = options->from_s == 0 && options->to_s == 0;
    EVP_PKEY *key = EVP_EC_gen("P-256");
    X509 *made = X509_new();
    must(key != NULL && made != NULL, "make a key");
    X509_NAME *subject = X509_get_subject_name(made);
    must(X509_set_version(made, 2) == 1 &&
             ASN1_INTEGER_set(X509_get_serialNumber(made), serial++) == 1 &&
             X509_gmtime_adj(X509_getm_notBefore(made), is_usual ? -DAY_S : options->from_s) !=
                 NULL &&
             X509_gmtime_adj(X509_getm_notAfter(made), is_usual ? DAY_S : options->to_s) != NULL &&
             X509_set_pubkey(made, key) == 1 &&
             X509_NAME_add_entry_by_txt(subject, "CN", MBSTRING_ASC,
                                        (const unsigned char *)options->name, -1, -1, 0) == 1,
         "fill a certificate");
    X509 *issuer = options->issuer != NULL ? read_certificate(options->issuer) : made;
    EVP_PKEY *signer = options->issuer != NULL ? read_key(options->issuer) : key;
    must(X509_set_issuer_name(made, X509_get_subject_name(issuer)) == 1, "set an issuer");
    if (options->is_authority)
        extend(made, issuer, NID_basic_constraints, "critical,CA:TRUE");
    if (options->subjects != NULL)
        extend(made, issuer, NID_subject_alt_name, options->subjects);
    must(X509_sign(made, signer, EVP_sha256()) > 0, "sign a certificate");
    write_pair(options->name, made, key);
    if (options->issuer != NULL) {
        X509_free(issuer);
        EVP_PKEY_free(signer);
    }
    X509_free(made);
    EVP_PKEY_free(key);
}

void tls_encrypt_key(const char *from, const char *to)
{
    EVP_PKEY *key = read_key(from);
    FILE *file = open_file(to, "key", "w");
    char password[] = "secret";
    must(PEM_write_PKCS8PrivateKey(file, key, EVP_aes_256_cbc(), password, 6, NULL, NULL) == 1 &&
             fclose(file) == 0,
         "encrypt a key");
    EVP_PKEY_free(key);
}

/* The test lies in DIR/tests/unit, the plugins in DIR/plugins. */
const cb_tls_provider *tls_load_provider(void)
{
    char file[PATH_MAX + 64];
    ssize_t length = readlink("/proc/self/exe", file, PATH_MAX);
    if (length <= 0)
        return NULL;
    file[length] = '\0';
    char *slash = strrchr(file, '/');
    snprintf(slash, sizeof file - (size_t)(slash - file), "/../../plugins/tls/TlsPlugin.so");
    void *library = dlopen(file, RTLD_NOW | RTLD_LOCAL);
    const cb_service *services = library != NULL ? dlsym(library, CB_SERVICES_SYMBOL) : NULL;
    if (services == NULL)
        fprintf(stderr, "%s\n", dlerror());
    for (; services != NULL && services->name != NULL; services++)
        if (strcmp(services->name, CB_TLS_SERVICE) == 0 && services->version == CB_TLS_ABI)
            return services->pointer;
    return NULL;
}
