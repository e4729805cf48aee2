/* The event loop under random programs: ops of all kinds on connections that come and go, executed,
 * executed again, detached, removed, timed out, their descriptors closed or taken away, inside
 * callbacks and outside, until the loop ends in the middle of it. Whatever happens, each execution
 * reports once or was removed, the loop's count comes to nothing, nothing writes to the
 * memory of an op that is over, and no descriptor is left. */
#include <arpa/inet.h>

#include "tests/unit/nbio_support.h"

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
#define SLOW true
#else
#define SLOW false
#endif

#define OPS     200
#define POOL    16
#define GRAVES  64
#define SIZE    6000
#define CANARY  0xc5
#define OWN_END 40000 /* of the file */

typedef enum life { GONE, PREPARED, PENDING, IDLE } life;

typedef struct record {
    struct world *world;
    cb_op *op;
    life life;
    bool detached, again, in_callback, removed;
    uint8_t *memory;
} record;

typedef struct world {
    cb_loop *loop;
    uint64_t random;
    record records[OPS];
    size_t live;
    cb_socket pool[POOL];
    size_t pooled;
    uint8_t *graves[GRAVES]; /* memory of removed ops, which nobody may write to any more */
    size_t buried;
    cb_endpoint where;
    cb_socket listener;
    cb_file file;
    int acts; /* so many, then the loop is released inside a callback; 0: it is not */
    size_t reported, removed;
} world;

static void act(world *self);

/* One in so many allocations fails; 0: none does. */
static unsigned scarcity, allocations;

static void *scarce_realloc(void *memory, size_t size)
{
    return scarcity > 0 && ++allocations % scarcity == 0 ? NULL : realloc(memory, size);
}

static uint64_t any(world *self, uint64_t below)
{
    self->random = self->random * 6364136223846793005u + 1442695040888963407u;
    return (self->random >> 33) % below;
}

/* -- descriptors ------------------------------------------------------------------------------- */

/* The loop may lack the memory to know a descriptor that it never saw. */
static void on_closed(cb_op *op)
{
    if (op->error == CB_IO_NO_MEMORY)
        (void)close(op->close.socket);
}

/* The loop is ending, or has no memory for an op: then at once. */
static void let_go_of(cb_loop *loop, cb_socket socket)
{
    if (cb_close(loop, socket, on_closed) == NULL)
        tested->drop(loop, socket);
}

static void keep(world *self, cb_socket socket)
{
    if (socket == CB_NO_SOCKET)
        return;
    if (self->pooled < POOL)
        self->pool[self->pooled++] = socket;
    else
        let_go_of(cb_loop_current(), socket);
}

static cb_socket pick(world *self)
{
    return self->pooled > 0 ? self->pool[any(self, self->pooled)] : CB_NO_SOCKET;
}

static cb_socket take(world *self)
{
    if (self->pooled == 0)
        return CB_NO_SOCKET;
    size_t place = any(self, self->pooled);
    cb_socket taken = self->pool[place];
    self->pool[place] = self->pool[--self->pooled];
    return taken;
}

/* -- records ----------------------------------------------------------------------------------- */

static record *find_free(world *self)
{
    for (size_t i = 0; i < OPS; i++)
        if (self->records[i].life == GONE && !self->records[i].in_callback)
            return &self->records[i];
    return NULL;
}

static record *find_some(world *self)
{
    size_t first = any(self, OPS);
    for (size_t i = 0; i < OPS; i++) {
        record *one = &self->records[(first + i) % OPS];
        if (one->life != GONE)
            return one;
    }
    return NULL;
}

static void check_grave(uint8_t *memory)
{
    size_t wrong = 0;
    for (size_t i = 0; i < SIZE; i++)
        wrong += memory[i] != CANARY;
    CU_ASSERT_EQUAL(wrong, 0);
    free(memory);
}

static void bury(world *self, record *one)
{
    if (one->memory == NULL)
        return;
    memset(one->memory, CANARY, SIZE);
    size_t place = self->buried++ % GRAVES;
    if (self->graves[place] != NULL)
        check_grave(self->graves[place]);
    self->graves[place] = one->memory;
    one->memory = NULL;
}

static void end_life(record *one)
{
    CU_ASSERT_NOT_EQUAL(one->life, GONE);
    one->life = GONE;
    one->op = NULL;
    one->world->live--;
    bury(one->world, one);
}

static bool is_over(const cb_op *op)
{
    return op->type != CB_NBIO_SENDFILE || op->error != CB_IO_OK ||
           op->sendfile.sent == op->sendfile.nbytes;
}

static void after_callback(record *one, bool over)
{
    if (one->removed)
        end_life(one);
    else if (over && !one->again && one->detached)
        one->life = IDLE;
    else if (over && !one->again)
        end_life(one);
}

static void on_report(cb_op *op)
{
    record *one = op->user_data;
    world *self = one->world;
    bool over = is_over(op);
    CU_ASSERT(one->op == op && one->life != GONE && !one->in_callback);
    CU_ASSERT(one->life == PENDING || op->error == CB_IO_CANCELED);
    one->again = one->removed = false;
    one->in_callback = true;
    self->reported++;
    if (op->type == CB_NBIO_ACCEPT)
        keep(self, op->accept.client);
    else if (op->type == CB_NBIO_DIAL)
        keep(self, op->dial.socket);
    else if (op->type == CB_NBIO_OPEN && op->open.file != CB_NO_FILE)
        tested->drop(cb_loop_current(), op->open.file);
    uint64_t what = any(self, 12);
    if (what == 0 && !one->detached) {
        one->detached = true;
        cb_op_detach(op);
    } else if (what == 1 && one->detached) {
        one->detached = false;
        cb_op_reattach(op);
    } else if (what == 2) {
        cb_op_remove(&op);
        one->removed = true;
    } else if (what < 5 && over && op->error != CB_IO_RESOURCES) {
        one->again = cb_op_exec(op, false);
    }
    if (any(self, 2) == 0)
        act(self);
    one->in_callback = false;
    after_callback(one, over);
}

/* -- submitting -------------------------------------------------------------------------------- */

static cb_op *prepare(world *self, record *one, const cb_op_options *options)
{
    cb_loop *loop = self->loop;
    cb_socket socket = pick(self);
    size_t size = 1 + any(self, SIZE);
    switch (any(self, 13)) {
    case 0:
    case 1:
        return cb_prep_accept(loop, self->listener, on_report, options);
    case 2:
        return cb_prep_dial(loop, &self->where, on_report, options);
    case 3:
    case 4:
        return cb_prep_recv(loop, socket, one->memory, size, on_report, options);
    case 5:
    case 6:
        return cb_prep_send(loop, socket, one->memory, size, on_report, options);
    case 7:
        return cb_prep_sendfile(loop, socket, self->file, (int64_t)any(self, OWN_END),
                                any(self, 2) == 0 ? CB_SEND_ENTIRE_FILE : OWN_END / 2,
                                any(self, 2) == 0, on_report, options);
    case 8:
        return cb_prep_poll(loop, socket, 1 + (uint32_t)any(self, 3), on_report, options);
    case 9:
        return cb_prep_timeout(loop, (int64_t)any(self, MS), on_report);
    case 10:
        return cb_prep_read(loop, self->file, (int64_t)any(self, OWN_END), one->memory, size,
                            on_report, options);
    case 11:
        return any(self, 2) == 0
                   ? cb_prep_stat(loop, socket, on_report, options)
                   : cb_prep_open(loop, CB_CWD, "/tmp", CB_FILE_DIRECTORY, 0, on_report, options);
    default:
        return cb_prep_next_tick(loop, on_report);
    }
}

static void submit(world *self)
{
    record *one = find_free(self);
    if (one == NULL)
        return;
    cb_op_options options = {.timeout_ns = any(self, 2) == 0 ? 0 : 1 + (int64_t)any(self, MS / 4),
                             .transfer = (cb_transfer)any(self, 3),
                             .read_ahead = any(self, 2) == 0};
    *one = (record){.world = self, .memory = calloc(1, SIZE)};
    CU_ASSERT_PTR_NOT_NULL_FATAL(one->memory);
    one->op = prepare(self, one, &options);
    if (one->op == NULL) {
        CU_ASSERT(scarcity > 0 && cb_io_last_error() == CB_IO_NO_MEMORY);
        free(one->memory);
        one->memory = NULL;
        return;
    }
    one->op->user_data = one;
    one->life = PREPARED;
    self->live++;
    if (any(self, 10) == 0)
        return;
    one->life = PENDING;
    CU_ASSERT_TRUE(cb_op_exec(one->op, false));
}

static void let_go(record *one)
{
    cb_op *op = one->op;
    if (one->in_callback)
        return;
    cb_op_remove(&op);
    one->world->removed++;
    end_life(one);
}

/* What happens to one that is there. */
static void meddle(world *self)
{
    record *one = find_some(self);
    if (one == NULL || one->in_callback)
        return;
    if (any(self, 2) == 0) {
        let_go(one);
    } else if (one->life == PREPARED || one->life == IDLE) {
        one->life = PENDING;
        CU_ASSERT_TRUE(cb_op_exec(one->op, true));
    } else if (one->detached) {
        one->detached = false;
        cb_op_reattach(one->op);
    }
}

static void act(world *self)
{
    if (self->loop == NULL)
        return;
    if (self->acts > 0 && --self->acts == 0) {
        cb_loop_release(&self->loop);
        return;
    }
    switch (any(self, 12)) {
    case 0:
        meddle(self);
        break;
    case 1:
        if (self->pooled > POOL / 2)
            let_go_of(self->loop, take(self));
        break;
    case 2:
        if (self->pooled > POOL / 2 && any(self, 4) == 0)
            tested->drop(self->loop, take(self));
        break;
    default:
        submit(self);
        break;
    }
}

/* -- worlds ------------------------------------------------------------------------------------ */

static void open_world(world *self, uint64_t seed)
{
    static char content[OWN_END];
    const cb_sim_options sim = {.seed = seed,
                                .short_transfers = seed % 2 == 0,
                                .late_percent = (unsigned)(seed * 7 % 60),
                                .reset_permille = (unsigned)(seed % 4),
                                .window_bytes = 500 + (size_t)(seed * 977 % 9000)};
    seen log = {0};
    char path[64];
    memset(self, 0, sizeof *self);
    if (tested->world != NULL)
        cb_sim_configure(&sim);
    self->loop = open_loop();
    self->random = seed;
    self->listener = open_listener(self->loop, &self->where);
    (void)snprintf(path, sizeof path, "/tmp/cb_random_%d", (int)getpid());
    CU_ASSERT_EQUAL_FATAL(cb_open_sync(self->loop, CB_CWD, path,
                                       CB_FILE_READ | CB_FILE_WRITE | CB_FILE_CREATE,
                                       CB_PERMIT_DEFAULT_FILE, &self->file, NULL),
                          CB_OK);
    if (tested->world == NULL)
        (void)unlink(path);
    track(cb_write(self->loop, self->file, 0, content, OWN_END, note, NULL), &log, 0);
    run_to(self->loop, &log, 1);
}

static void play(world *self, int ticks)
{
    for (int tick = 0; tick < ticks && self->loop != NULL; tick++) {
        for (int i = 0; i < 3 && self->acts == 0; i++)
            act(self);
        if (self->acts > 0)
            submit(self);
        cb_status status = cb_loop_tick(self->loop, tick % 16 == 0 ? MS / 20 : 0, NULL);
        CU_ASSERT_EQUAL(status, self->loop != NULL ? CB_OK : CB_STOPPED);
    }
}

static void close_world(world *self)
{
    cb_loop_release(&self->loop);
    /* One that was detached in its last callback is not told again. */
    for (size_t i = 0; i < OPS; i++)
        if (self->records[i].life == IDLE)
            end_life(&self->records[i]);
    CU_ASSERT_EQUAL(self->live, 0);
    for (size_t i = 0; i < GRAVES; i++)
        if (self->graves[i] != NULL)
            check_grave(self->graves[i]);
    CU_ASSERT(self->reported > 0);
    if (tested->world != NULL)
        return;
    while (self->pooled > 0)
        (void)close(take(self));
    (void)close(self->listener);
    (void)close(self->file);
}

static int seeds(void)
{
    return SLOW ? 60 : 200;
}

static void whatever_memory_fails_each_op_reports_once(void)
{
    static world self;
    int before = open_descriptors();
    for (int seed = 1; seed <= seeds(); seed++) {
        open_world(&self, (uint64_t)seed);
        scarcity = 1 + (unsigned)seed % 9;
        cb_io_realloc_hook = scarce_realloc;
        play(&self, 200);
        cb_io_realloc_hook = NULL;
        scarcity = 0;
        play(&self, 100);
        close_world(&self);
    }
    CU_ASSERT_EQUAL(open_descriptors(), before);
}

static void whatever_is_done_each_op_reports_once(void)
{
    static world self;
    int before = open_descriptors();
    for (int seed = 1; seed <= seeds(); seed++) {
        open_world(&self, (uint64_t)seed);
        play(&self, 300);
        for (size_t i = 0; i < OPS; i++)
            if (self.records[i].life != GONE && seed % 2 == 0)
                let_go(&self.records[i]);
        if (seed % 2 == 0) {
            run_all(self.loop);
            CU_ASSERT_EQUAL(self.live, 0);
        }
        close_world(&self);
    }
    CU_ASSERT_EQUAL(open_descriptors(), before);
}

static void the_loop_may_end_in_any_callback(void)
{
    static world self;
    int before = open_descriptors();
    for (int seed = 1; seed <= seeds(); seed++) {
        open_world(&self, (uint64_t)seed);
        play(&self, 60);
        self.acts = 1 + seed % 7;
        play(&self, 2000);
        close_world(&self);
    }
    CU_ASSERT_EQUAL(open_descriptors(), before);
}

int main(void)
{
    static const CU_TestInfo tests[] = {
        TEST(whatever_is_done_each_op_reports_once),
        TEST(the_loop_may_end_in_any_callback),
        TEST(whatever_memory_fails_each_op_reports_once),
        CU_TEST_INFO_NULL,
    };
    return run_tests("nbio at random", tests);
}
