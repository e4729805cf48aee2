/* Host names become addresses on helper threads, because the resolver blocks.
 *
 * A look-up belongs to its helper until it lies on the port's list, and to the loop's thread from
 * then on. The port is what a turn and its look-ups share: it outlives the turn when a look-up is
 * still under way at the loop's end, so a helper never touches a loop. The helper tells of a result
 * by an eventfd that the loop watches.
 */
#include <assert.h>
#include <errno.h>
#include <netdb.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "actors/io/address.h"
#include "actors/io/tcp/inside.h"

/* A dead name server holds a helper for seconds; so many names may wait for one at once. */
#define MAX_HELPERS  16u
#define HELPER_STACK (256u * 1024u)
/* An idle helper ends after this. */
#define IDLE_S       2

typedef struct cb_lookup {
    struct cb_lookup *next;
    struct cb_lookup_port *port;
    cb_tcp_socket *socket; /* the loop's thread only; NULL: abandoned */
    cb_lookup_function *resolve;
    uint16_t host_port;
    int code;
    size_t count;
    cb_endpoint found[CB_TCP_MAX_ADDRESSES];
    char host[]; /* NUL-terminated */
} cb_lookup;

typedef struct cb_lookup_port {
    pthread_mutex_t lock;
    unsigned refs;   /* the turn's, and one for each look-up with a helper */
    int descriptor;  /* an eventfd; -1: the turn is gone */
    cb_lookup *done; /* the newest first */
} cb_lookup_port;

cb_lookup_function *cb_lookup_hook;

/* -- the resolver ----------------------------------------------------------------------------- */

static bool take_address(const struct addrinfo *info, cb_endpoint *endpoint)
{
    cb_address address;
    if (info->ai_addrlen > sizeof address)
        return false;
    memset(&address, 0, sizeof address);
    memcpy(&address, info->ai_addr, info->ai_addrlen);
    return cb_address_to_endpoint(&address, endpoint), endpoint->family != CB_FAMILY_NONE;
}

/* The next address of the list that is (or is not) of a family. */
static const struct addrinfo *find(const struct addrinfo *info, int family, bool same)
{
    while (info != NULL && (info->ai_family == family) != same)
        info = info->ai_next;
    return info;
}

/* The families take turns, starting with the one that the resolver prefers. */
static size_t interleave(const struct addrinfo *list, uint16_t port, cb_endpoint *found)
{
    int preferred = list->ai_family;
    const struct addrinfo *next[2] = {list, find(list, preferred, false)};
    size_t count = 0;
    for (unsigned turn = 0; (next[0] != NULL || next[1] != NULL) && count < CB_TCP_MAX_ADDRESSES;
         turn ^= 1) {
        const struct addrinfo *info = next[turn];
        if (info == NULL)
            continue;
        if (take_address(info, &found[count]))
            found[count++].port = port;
        next[turn] = find(info->ai_next, preferred, turn == 0);
    }
    return count;
}

int cb_lookup_addresses(const char *host, uint16_t port, bool numeric, cb_endpoint *found,
                        size_t *count)
{
    struct addrinfo wanted = {.ai_socktype = SOCK_STREAM, .ai_protocol = 0};
    struct addrinfo *list = NULL;
    if (numeric)
        wanted.ai_flags = AI_NUMERICHOST;
    int code = getaddrinfo(host, NULL, &wanted, &list);
    *count = code == 0 ? interleave(list, port, found) : 0;
    if (code == 0)
        freeaddrinfo(list);
    return code == 0 && *count == 0 ? EAI_NONAME : code;
}

static int ask_resolver(const char *host, uint16_t port, cb_endpoint *found, size_t *count)
{
    return cb_lookup_addresses(host, port, false, found, count);
}

const char *cb_lookup_text(int code)
{
    return gai_strerror(code != 0 ? code : EAI_NONAME);
}

/* -- ports ------------------------------------------------------------------------------------ */

static void lock(pthread_mutex_t *mutex)
{
    int failed = pthread_mutex_lock(mutex);
    assert(failed == 0);
    (void)failed;
}

static void unlock(pthread_mutex_t *mutex)
{
    int failed = pthread_mutex_unlock(mutex);
    assert(failed == 0);
    (void)failed;
}

/* Drops a reference; the lock is held, and is not afterwards. */
static void release_port(cb_lookup_port *port)
{
    bool last = --port->refs == 0;
    unlock(&port->lock);
    if (!last)
        return;
    int failed = pthread_mutex_destroy(&port->lock);
    assert(failed == 0);
    (void)failed;
    free(port);
}

static cb_lookup_port *make_port(void)
{
    cb_lookup_port *port = cb_tcp_malloc(sizeof *port);
    if (port == NULL)
        return NULL;
    *port = (cb_lookup_port){.refs = 1, .descriptor = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC)};
    if (port->descriptor >= 0 && pthread_mutex_init(&port->lock, NULL) == 0)
        return port;
    if (port->descriptor >= 0)
        (void)close(port->descriptor);
    free(port);
    return NULL;
}

static cb_lookup *take_results(cb_lookup_port *port)
{
    cb_lookup *in_order = NULL;
    uint64_t told;
    lock(&port->lock);
    while (read(port->descriptor, &told, sizeof told) < 0 && errno == EINTR) {
    }
    cb_lookup *done = port->done;
    port->done = NULL;
    unlock(&port->lock);
    while (done != NULL) {
        cb_lookup *next = done->next;
        done->next = in_order;
        in_order = done;
        done = next;
    }
    return in_order;
}

static void free_results(cb_lookup *done)
{
    while (done != NULL) {
        cb_lookup *next = done->next;
        free(done);
        done = next;
    }
}

void cb_lookup_shut(cb_tcp_turn *turn)
{
    cb_lookup_port *port = turn->lookups;
    if (port == NULL)
        return;
    cb_op_remove(&turn->lookup_op);
    if (!turn->ending)
        cb_loop_forget(turn->loop, port->descriptor);
    turn->lookups = NULL;
    lock(&port->lock);
    /* In one go: what a helper brings from now on, it frees. */
    free_results(port->done);
    port->done = NULL;
    (void)close(port->descriptor);
    port->descriptor = -1;
    release_port(port);
}

/* -- helpers ---------------------------------------------------------------------------------- */

static struct {
    pthread_mutex_t lock;
    pthread_cond_t work;
    cb_lookup *first, *last; /* waiting for a helper */
    unsigned helpers, idle;
} pool = {.lock = PTHREAD_MUTEX_INITIALIZER, .work = PTHREAD_COND_INITIALIZER};

static void hand_back(cb_lookup *lookup)
{
    static const uint64_t one = 1;
    cb_lookup_port *port = lookup->port;
    lock(&port->lock);
    if (port->descriptor >= 0) {
        lookup->next = port->done;
        port->done = lookup;
        ssize_t put = write(port->descriptor, &one, sizeof one);
        assert(put == sizeof one);
        (void)put;
    } else {
        free(lookup);
    }
    release_port(port);
}

/* The next look-up, or NULL after some idle time; the pool's lock is held. */
static cb_lookup *wait_for_work(void)
{
    struct timespec until;
    clock_gettime(CLOCK_REALTIME, &until);
    until.tv_sec += IDLE_S;
    pool.idle++;
    int failed = 0;
    while (pool.first == NULL && failed == 0)
        failed = pthread_cond_timedwait(&pool.work, &pool.lock, &until);
    pool.idle--;
    cb_lookup *lookup = pool.first;
    if (lookup != NULL) {
        pool.first = lookup->next;
        if (pool.first == NULL)
            pool.last = NULL;
    }
    return lookup;
}

static void *help(void *unused)
{
    (void)unused;
    lock(&pool.lock);
    for (cb_lookup *lookup; (lookup = wait_for_work()) != NULL;) {
        unlock(&pool.lock);
        lookup->code =
            lookup->resolve(lookup->host, lookup->host_port, lookup->found, &lookup->count);
        hand_back(lookup);
        lock(&pool.lock);
    }
    pool.helpers--;
    unlock(&pool.lock);
    return NULL;
}

/* Signals are for the program's own threads. */
static bool start_helper(void)
{
    pthread_attr_t attributes;
    pthread_t thread;
    sigset_t all, before;
    if (pthread_attr_init(&attributes) != 0)
        return false;
    sigfillset(&all);
    bool started = pthread_attr_setdetachstate(&attributes, PTHREAD_CREATE_DETACHED) == 0 &&
                   pthread_attr_setstacksize(&attributes, HELPER_STACK) == 0 &&
                   pthread_sigmask(SIG_SETMASK, &all, &before) == 0;
    if (started) {
        started = pthread_create(&thread, &attributes, help, NULL) == 0;
        (void)pthread_sigmask(SIG_SETMASK, &before, NULL);
    }
    pthread_attr_destroy(&attributes);
    return started;
}

static unsigned queued_count(void)
{
    unsigned count = 0;
    for (const cb_lookup *lookup = pool.first; lookup != NULL && count < MAX_HELPERS;
         lookup = lookup->next)
        count++;
    return count;
}

/* False: there is no helper and none could be started; the look-up is not queued then. */
static bool queue_for_helper(cb_lookup *lookup)
{
    lock(&pool.lock);
    if (pool.idle <= queued_count() && pool.helpers < MAX_HELPERS && start_helper())
        pool.helpers++;
    bool helped = pool.helpers > 0;
    if (helped) {
        if (pool.last != NULL)
            pool.last->next = lookup;
        else
            pool.first = lookup;
        pool.last = lookup;
        pthread_cond_signal(&pool.work);
    }
    unlock(&pool.lock);
    return helped;
}

/* -- look-ups --------------------------------------------------------------------------------- */

static void on_results(cb_op *op)
{
    cb_tcp_turn *turn = op->user_data;
    if (cb_tcp_turn_ended(turn, op))
        return;
    cb_lookup *done = take_results(turn->lookups);
    while (done != NULL) {
        cb_lookup *lookup = done;
        done = lookup->next;
        if (lookup->socket != NULL) {
            turn->lookup_count--;
            cb_tcp_addresses_found(lookup->socket, lookup->found, lookup->count, lookup->code);
        }
        free(lookup);
    }
    if (turn->lookup_op != op)
        return; /* the last one was abandoned */
    if (turn->lookup_count == 0 || !cb_op_exec(op, false))
        turn->lookup_op = NULL;
}

/* Watches for results while somebody waits for one. */
static bool watch(cb_tcp_turn *turn)
{
    if (turn->lookups == NULL)
        turn->lookups = make_port();
    if (turn->lookups == NULL)
        return false;
    if (turn->lookup_op == NULL) {
        turn->lookup_op =
            cb_poll(turn->loop, turn->lookups->descriptor, CB_POLL_READABLE, on_results, NULL);
        if (turn->lookup_op != NULL)
            turn->lookup_op->user_data = turn;
    }
    return turn->lookup_op != NULL;
}

static void unwatch(cb_tcp_turn *turn)
{
    if (turn->lookup_count == 0)
        cb_op_remove(&turn->lookup_op);
}

cb_status cb_lookup_start(cb_tcp_socket *socket, const char *host, uint16_t port,
                          struct cb_lookup **lookup, cb_error *error)
{
    cb_tcp_turn *turn = socket->turn;
    size_t size = strlen(host) + 1;
    cb_lookup *made = cb_tcp_malloc(sizeof *made + size);
    if (made == NULL || !watch(turn)) {
        free(made);
        unwatch(turn);
        return cb_fail(error, CB_NO_MEMORY, "no memory to look up a host");
    }
    *made = (cb_lookup){.port = turn->lookups,
                        .socket = socket,
                        .resolve = cb_lookup_hook != NULL ? cb_lookup_hook : ask_resolver,
                        .host_port = port};
    memcpy(made->host, host, size);
    lock(&made->port->lock);
    made->port->refs++;
    unlock(&made->port->lock);
    if (!queue_for_helper(made)) {
        lock(&made->port->lock);
        release_port(made->port);
        free(made);
        unwatch(turn);
        return cb_fail(error, CB_NO_MEMORY, "no thread to look up a host");
    }
    turn->lookup_count++;
    *lookup = made;
    return CB_OK;
}

void cb_lookup_abandon(cb_tcp_turn *turn, struct cb_lookup **lookup)
{
    if (*lookup == NULL)
        return;
    (*lookup)->socket = NULL;
    *lookup = NULL;
    turn->lookup_count--;
    unwatch(turn);
}
