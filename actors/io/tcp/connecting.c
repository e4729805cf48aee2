/* Connecting: from a host to a descriptor. The addresses of a name are tried in order, the next one
 * when one fails or takes long; the first that answers wins and the others are given up. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "actors/io/tcp/inside.h"

typedef struct cb_tcp_dialing {
    struct cb_lookup *lookup;
    cb_endpoint addresses[CB_TCP_MAX_ADDRESSES];
    cb_op *dials[CB_TCP_MAX_ADDRESSES];
    size_t count;
    size_t started;
    size_t pending;
    cb_op *stagger;         /* starts the next one */
    cb_tcp_failure failure; /* the most telling so far */
    char text[CB_ENDPOINT_TEXT_SIZE + 96];
} cb_tcp_dialing;

void cb_tcp_stop_connecting(cb_tcp_socket *socket)
{
    cb_tcp_dialing *dialing = socket->dialing;
    if (dialing == NULL)
        return;
    cb_lookup_abandon(socket->turn, &dialing->lookup);
    cb_op_remove(&dialing->stagger);
    for (size_t i = 0; i < dialing->started; i++)
        cb_op_remove(&dialing->dials[i]);
    free(dialing);
    socket->dialing = NULL;
}

/* A refusal tells more than an address that cannot be reached. */
static void note_failure(cb_tcp_dialing *dialing, const cb_endpoint *address, const cb_op *op)
{
    if (dialing->failure.kind == CB_TCP_REFUSED)
        return;
    char where[CB_ENDPOINT_TEXT_SIZE];
    cb_io_error error = op != NULL ? op->error : CB_IO_NO_MEMORY;
    dialing->failure =
        op != NULL
            ? cb_tcp_failure_of(op, dialing->text)
            : (cb_tcp_failure){.kind = CB_TCP_ERROR, .error = error, .message = dialing->text};
    snprintf(dialing->text, sizeof dialing->text, "cannot connect to %s: %s",
             cb_endpoint_to_string(address, where, sizeof where), cb_io_error_string(error));
}

static void dial_next(cb_tcp_socket *socket);

static void give_up(cb_tcp_socket *socket)
{
    cb_tcp_failure failure = socket->dialing->failure;
    char text[sizeof socket->dialing->text];
    memcpy(text, socket->dialing->text, sizeof text);
    failure.message = text;
    cb_tcp_fail(socket, &failure);
}

static void on_dialled(cb_op *op)
{
    cb_tcp_socket *socket = op->user_data;
    if (cb_tcp_turn_ended(socket->turn, op))
        return;
    cb_tcp_dialing *dialing = socket->dialing;
    size_t index = op->user[0];
    cb_endpoint address = dialing->addresses[index];
    dialing->dials[index] = NULL;
    dialing->pending--;
    if (op->error == CB_IO_OK) {
        cb_socket descriptor = op->dial.socket;
        cb_tcp_stop_connecting(socket);
        cb_tcp_socket_connected(socket, descriptor, &address);
        return;
    }
    note_failure(dialing, &address, op);
    if (dialing->started < dialing->count)
        dial_next(socket);
    else if (dialing->pending == 0)
        give_up(socket);
}

static void on_stagger(cb_op *op)
{
    cb_tcp_socket *socket = op->user_data;
    if (cb_tcp_turn_ended(socket->turn, op))
        return;
    socket->dialing->stagger = NULL;
    dial_next(socket);
}

/* Starts attempts until one is under way. */
static void dial_next(cb_tcp_socket *socket)
{
    cb_tcp_dialing *dialing = socket->dialing;
    cb_loop *loop = socket->turn->loop;
    cb_op *op = NULL;
    cb_op_remove(&dialing->stagger);
    while (op == NULL && dialing->started < dialing->count) {
        size_t index = dialing->started++;
        op = cb_dial(loop, &dialing->addresses[index], on_dialled, NULL);
        dialing->dials[index] = op;
        if (op == NULL) {
            note_failure(dialing, &dialing->addresses[index], NULL);
            continue;
        }
        op->user_data = socket;
        op->user[0] = index;
        dialing->pending++;
    }
    if (op == NULL && dialing->pending == 0) {
        give_up(socket);
        return;
    }
    if (dialing->started < dialing->count) {
        /* Without it the next one waits for this one's failure. */
        dialing->stagger = cb_timeout(loop, CB_TCP_STAGGER_NS, on_stagger);
        if (dialing->stagger != NULL)
            dialing->stagger->user_data = socket;
    }
}

void cb_tcp_addresses_found(cb_tcp_socket *socket, const cb_endpoint *addresses, size_t count,
                            int code)
{
    cb_tcp_dialing *dialing = socket->dialing;
    dialing->lookup = NULL;
    if (code != 0 || count == 0) {
        char text[CB_ENDPOINT_TEXT_SIZE * 2];
        snprintf(text, sizeof text, "cannot find the host: %s", cb_lookup_text(code));
        cb_tcp_failure failure = {.kind = CB_TCP_LOOKUP_ERROR,
                                  .error = CB_IO_HOST_UNREACHABLE,
                                  .code = code,
                                  .message = text};
        cb_tcp_fail(socket, &failure);
        return;
    }
    dialing->count = count < CB_TCP_MAX_ADDRESSES ? count : CB_TCP_MAX_ADDRESSES;
    memcpy(dialing->addresses, addresses, dialing->count * sizeof *addresses);
    socket->phase = CB_TCP_PHASE_DIALING;
    dial_next(socket);
}

/* Whom the certificate has to name, if nobody said otherwise. */
static cb_status keep_name(cb_tcp_socket *socket, const char *host)
{
    if (socket->provider == NULL || socket->name != NULL)
        return CB_OK;
    size_t size = strlen(host) + 1;
    socket->name = cb_tcp_malloc(size);
    if (socket->name == NULL)
        return CB_NO_MEMORY;
    memcpy(socket->name, host, size);
    return CB_OK;
}

cb_status cb_tcp_begin_connecting(cb_tcp_socket *socket, const char *host, uint16_t port,
                                  cb_error *error)
{
    cb_tcp_dialing *dialing = cb_tcp_malloc(sizeof *dialing);
    if (dialing == NULL || keep_name(socket, host) != CB_OK) {
        free(dialing);
        return cb_fail(error, CB_NO_MEMORY, "no memory to connect");
    }
    memset(dialing, 0, sizeof *dialing);
    if (cb_lookup_addresses(host, port, true, dialing->addresses, &dialing->count) == 0) {
        dialing->dials[0] = cb_dial(socket->turn->loop, &dialing->addresses[0], on_dialled, NULL);
        if (dialing->dials[0] == NULL) {
            free(dialing);
            return cb_fail(error, CB_NO_MEMORY, "no memory to connect");
        }
        dialing->dials[0]->user_data = socket;
        dialing->count = dialing->started = dialing->pending = 1;
        socket->phase = CB_TCP_PHASE_DIALING;
    } else {
        cb_status status = cb_lookup_start(socket, host, port, &dialing->lookup, error);
        if (status != CB_OK) {
            free(dialing);
            return status;
        }
        socket->phase = CB_TCP_PHASE_LOOKUP;
    }
    socket->dialing = dialing;
    cb_tcp_socket_add(socket, CB_TCP_WORK_TIMEOUTS);
    return CB_OK;
}
