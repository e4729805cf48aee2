#include "actors/listeners/inherited.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#define FIRST_DESCRIPTOR 3

typedef struct handed {
    cb_socket socket; /* CB_NO_SOCKET once a listener has it */
    char *name;       /* never NULL */
    cb_endpoint bound;
    bool is_stream;
    const char *unfit; /* why no route can take it; NULL: one can */
    bool chosen;
} handed;

struct cb_inherited {
    pthread_mutex_t lock; /* guards what changes: socket and chosen */
    size_t count;
    handed *sockets;
};

/* -- from the environment --------------------------------------------------------------------- */

/* A decimal number without a sign. */
static bool read_number(const char *text, long most, long *number)
{
    char *end = NULL;
    if (text[0] < '0' || text[0] > '9')
        return false;
    errno = 0;
    *number = strtol(text, &end, 10);
    return errno == 0 && *end == '\0' && *number <= most;
}

static bool option_of(cb_socket socket, int option, int *value)
{
    socklen_t size = sizeof *value;
    return getsockopt(socket, SOL_SOCKET, option, value, &size) == 0;
}

static const char *look_at(handed *self)
{
    int type = 0;
    int family = 0;
    int listens = 0;
    if (!option_of(self->socket, SO_TYPE, &type) || !option_of(self->socket, SO_DOMAIN, &family) ||
        !option_of(self->socket, SO_ACCEPTCONN, &listens))
        return "it is no socket";
    self->is_stream = type == SOCK_STREAM;
    if (family != AF_INET && family != AF_INET6)
        return "it is neither of IPv4 nor of IPv6";
    if (type != SOCK_STREAM && type != SOCK_DGRAM)
        return "it is neither of TCP nor of UDP";
    if (cb_bound_endpoint(self->socket, &self->bound, NULL) != CB_OK)
        return "nobody can tell where it is bound";
    if (self->is_stream && listens == 0)
        return "it does not listen (of a socket unit, Accept=no is what is wanted)";
    if (!self->is_stream && family == AF_INET6)
        return "routes of UDP are of IPv4; give the unit an address, as in "
               "ListenDatagram=0.0.0.0:9000";
    return NULL;
}

/* Splits the names off, one for each socket; without names all are called "unknown". */
static cb_status name_sockets(cb_inherited *self, const char *names, cb_error *error)
{
    static const char nameless[] = "unknown";
    size_t named = 0;
    for (const char *at = names; at != NULL; named++) {
        const char *colon = strchr(at, ':');
        size_t size = colon != NULL ? (size_t)(colon - at) : strlen(at);
        if (named < self->count && (self->sockets[named].name = strndup(at, size)) == NULL)
            return cb_fail(error, CB_NO_MEMORY, "out of memory");
        at = colon != NULL ? colon + 1 : NULL;
    }
    if (names != NULL && named != self->count)
        return cb_fail(error, CB_INVALID, "LISTEN_FDNAMES names %zu sockets, LISTEN_FDS says %zu",
                       named, self->count);
    for (size_t i = 0; names == NULL && i < self->count; i++) {
        self->sockets[i].name = strdup(nameless);
        if (self->sockets[i].name == NULL)
            return cb_fail(error, CB_NO_MEMORY, "out of memory");
    }
    return CB_OK;
}

/* All promised descriptors must be there before one is touched: the number could be anybody's. */
static cb_status check_open(long count, cb_error *error)
{
    for (long i = 0; i < count; i++)
        if (fcntl((int)(FIRST_DESCRIPTOR + i), F_GETFD) < 0)
            return cb_fail(error, CB_INVALID,
                           "LISTEN_FDS says %ld sockets, but descriptor %ld is not open", count,
                           FIRST_DESCRIPTOR + i);
    return CB_OK;
}

static cb_status take_over(cb_inherited *self, size_t count, const char *names, cb_error *error)
{
    self->sockets = calloc(count, sizeof *self->sockets);
    if (self->sockets == NULL)
        return cb_fail(error, CB_NO_MEMORY, "out of memory");
    self->count = count;
    for (size_t i = 0; i < count; i++) {
        handed *socket = &self->sockets[i];
        socket->socket = (cb_socket)(FIRST_DESCRIPTOR + i);
        int flags = fcntl(socket->socket, F_GETFD);
        if (flags < 0 || fcntl(socket->socket, F_SETFD, flags | FD_CLOEXEC) != 0)
            return cb_fail_errno(error, CB_IO, errno, "cannot keep descriptor %d to ourselves",
                                 socket->socket);
        socket->unfit = look_at(socket);
    }
    return name_sockets(self, names, error);
}

static cb_status make(long count, const char *names, cb_inherited **result, cb_error *error)
{
    cb_status status = check_open(count, error);
    if (status != CB_OK)
        return status;
    cb_inherited *made = calloc(1, sizeof *made);
    if (made == NULL)
        return cb_fail(error, CB_NO_MEMORY, "out of memory");
    int code = pthread_mutex_init(&made->lock, NULL);
    if (code != 0) {
        free(made);
        return cb_fail_errno(error, CB_NO_MEMORY, code, "cannot make a lock");
    }
    status = take_over(made, (size_t)count, names, error);
    if (status == CB_OK)
        *result = made;
    else
        cb_inherited_free(&made);
    return status;
}

cb_status cb_inherited_from_environment(cb_inherited **inherited, cb_error *error)
{
    *inherited = NULL;
    const char *process = getenv("LISTEN_PID");
    const char *promised = getenv("LISTEN_FDS");
    cb_status status = CB_OK;
    long whose = 0;
    long count = 0;
    /* Meant for another process, such as the one that started us, they say nothing to this one. */
    bool ours = process != NULL && promised != NULL && read_number(process, INT32_MAX, &whose) &&
                whose == (long)getpid();
    if (ours && !read_number(promised, INT32_MAX - FIRST_DESCRIPTOR, &count))
        status = cb_fail(error, CB_INVALID, "LISTEN_FDS is '%.40s'; it must be a number", promised);
    if (status == CB_OK && count > 0)
        status = make(count, getenv("LISTEN_FDNAMES"), inherited, error);
    (void)unsetenv("LISTEN_PID");
    (void)unsetenv("LISTEN_FDS");
    (void)unsetenv("LISTEN_FDNAMES");
    return status;
}

void cb_inherited_free(cb_inherited **inherited)
{
    cb_inherited *self = *inherited;
    *inherited = NULL;
    if (self == NULL)
        return;
    for (size_t i = 0; i < self->count; i++) {
        if (self->sockets[i].socket != CB_NO_SOCKET)
            (void)close(self->sockets[i].socket);
        free(self->sockets[i].name);
    }
    free(self->sockets);
    pthread_mutex_destroy(&self->lock);
    free(self);
}

/* -- routes ----------------------------------------------------------------------------------- */

static bool may_take(const handed *self, const cb_route_options *route)
{
    uint32_t base = route->kind & CB_ROUTE_KIND_MASK;
    bool stream = base == CB_ROUTE_TCP || base == CB_ROUTE_HTTP;
    return !self->chosen && self->unfit == NULL && (stream || base == CB_ROUTE_UDP) &&
           stream == self->is_stream;
}

static handed *find(cb_inherited *self, const cb_route_options *route)
{
    for (size_t i = 0; i < self->count; i++)
        if (may_take(&self->sockets[i], route) &&
            strcmp(self->sockets[i].name, route->callback) == 0)
            return &self->sockets[i];
    for (size_t i = 0; route->port != 0 && i < self->count; i++)
        if (may_take(&self->sockets[i], route) && self->sockets[i].bound.port == route->port)
            return &self->sockets[i];
    return NULL;
}

bool cb_inherited_choose(cb_inherited *inherited, cb_route_options *route)
{
    if (inherited == NULL || route->shared || route->callback == NULL ||
        (route->kind & CB_ROUTE_INHERITED) != 0)
        return false;
    pthread_mutex_lock(&inherited->lock);
    handed *found = find(inherited, route);
    if (found != NULL)
        found->chosen = true;
    pthread_mutex_unlock(&inherited->lock);
    if (found == NULL)
        return false;
    bool everywhere = !cb_endpoint_is_loopback(&found->bound);
    route->kind = (route->kind & CB_ROUTE_KIND_MASK) | (uint32_t)CB_ROUTE_INHERITED |
                  (everywhere ? (uint32_t)CB_ROUTE_ANY_ADDRESS : 0);
    route->port = (uint16_t)(found - inherited->sockets);
    return true;
}

void cb_inherited_give_back(cb_inherited *inherited, const cb_route_options *route)
{
    if (inherited == NULL || route->port >= inherited->count)
        return;
    pthread_mutex_lock(&inherited->lock);
    if (inherited->sockets[route->port].socket != CB_NO_SOCKET)
        inherited->sockets[route->port].chosen = false;
    pthread_mutex_unlock(&inherited->lock);
}

cb_status cb_inherited_take(const cb_listener *listener, cb_socket *socket, cb_error *error)
{
    cb_inherited *inherited = listener->actor.core->options.inherited;
    uint16_t number = cb_listener_port(listener);
    *socket = CB_NO_SOCKET;
    if (inherited != NULL && number < inherited->count) {
        handed *wanted = &inherited->sockets[number];
        bool stream = cb_listener_route_base(listener) != CB_ROUTE_UDP;
        pthread_mutex_lock(&inherited->lock);
        if (wanted->unfit == NULL && wanted->is_stream == stream) {
            *socket = wanted->socket;
            wanted->socket = CB_NO_SOCKET;
            wanted->chosen = true;
        }
        pthread_mutex_unlock(&inherited->lock);
    }
    if (*socket == CB_NO_SOCKET)
        return cb_fail(error, CB_UNKNOWN, "no inherited socket %u is there for such a route",
                       (unsigned)number);
    return CB_OK;
}

size_t cb_inherited_unused(cb_inherited *inherited, void (*tell)(void *user, const char *text),
                           void *user)
{
    size_t unused = 0;
    for (size_t i = 0; inherited != NULL && i < inherited->count; i++) {
        const handed *self = &inherited->sockets[i];
        char address[CB_ENDPOINT_TEXT_SIZE] = "";
        char text[CB_ERROR_TEXT_SIZE];
        pthread_mutex_lock(&inherited->lock);
        bool chosen = self->chosen;
        pthread_mutex_unlock(&inherited->lock);
        if (chosen)
            continue;
        unused++;
        if (self->unfit == NULL)
            (void)snprintf(text, sizeof text,
                           "nobody opens the inherited socket '%.100s' (descriptor %zu, %s %s): no "
                           "Open asks for its port, or has a callback of its name",
                           self->name, FIRST_DESCRIPTOR + i, self->is_stream ? "TCP" : "UDP",
                           cb_endpoint_to_string(&self->bound, address, sizeof address));
        else
            (void)snprintf(text, sizeof text,
                           "the inherited socket '%.100s' (descriptor %zu) cannot be used: %s",
                           self->name, FIRST_DESCRIPTOR + i, self->unfit);
        tell(user, text);
    }
    return unused;
}
