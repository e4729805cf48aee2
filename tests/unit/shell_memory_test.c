/* The supervisor's shell and the mailboxes when memory runs out: nothing is lost. What is not
 * carried out yet is carried out later, or its asker is told. */
#include "tests/unit/scarce_memory.h"
#include "tests/unit/supervisor_double.h"

#include <errno.h>
#include <time.h>

#include "actors/base/clock.h"
#include "actors/core/outbox.h"

#define OTHER    (CB_ADDRESS_FIRST_ASKER + 2)
#define FOR_EVER 1000000000L
#define MANY     1500u /* more answers than there are records without memory */
#define PORT     4711
#define TURNS    400 /* after so many visits all is done, or something was lost */

/* -- payloads that are counted ----------------------------------------------------------------- */

static int payloads;

static void forget_payload(void *object)
{
    (void)object;
    payloads--;
}

static uint64_t payload(void)
{
    scarce_spare_me(true);
    int object = 0;
    cb_buffer *made = cb_buffer_holding(&object, sizeof object, forget_payload);
    scarce_spare_me(false);
    CU_ASSERT_PTR_NOT_NULL_FATAL(made);
    payloads++;
    return cb_payload_handle(made);
}

/* -- the world --------------------------------------------------------------------------------- */

static cb_status start(cb_core *core, const cb_message *effect, cb_receiver **started,
                       cb_error *error)
{
    if (scarce_fails_now())
        return cb_fail(error, CB_NO_MEMORY, "no memory for a thread");
    scarce_spare_me(true);
    cb_status status = starter(core, effect, started, error);
    scarce_spare_me(false);
    return status;
}

static void begin_shell(void)
{
    payloads = 0;
    begin();
    greet(OTHER);
    world.goes_on_for_ever = true;
    world.core.options.limits = cb_limits_default();
    CU_ASSERT_EQUAL_FATAL(
        cb_supervisor_new(&world.core, &world.base, NULL, start, &world.supervisor, NULL), CB_OK);
}

static void visit(void)
{
    cb_supervisor_attend(world.supervisor);
}

static void send_all_in(void)
{
    empty();
    visit();
}

static void release_sent(void)
{
    for (size_t i = 0; i < world.sent_count; i++)
        cb_buffer_release(cb_message_payload(&world.sent[i]));
    world.sent_count = 0;
}

/* The order to leave what is stuck: taken in, and followed when the shell's own thread runs. */
static void order_end(void)
{
    one((cb_message){.kind = CB_PLUMBING_STOP, .status = 1, .from = ASKER});
}

/* Memory does not come back before the end, which was ordered. */
static void end_short(void)
{
    world.goes_on_for_ever = false; /* the order to stop comes, which waits for no actor */
    (void)cb_supervisor_thread(world.supervisor);
    close_supervisor();
    release_sent();
    CU_ASSERT_EQUAL(payloads, 0);
    (void)scarce_end();
}

static void end_shell(void)
{
    (void)scarce_end();
    end_short();
}

static size_t count_sent(cb_message_kind kind, uint32_t to)
{
    size_t count = 0;
    for (size_t i = 0; i < world.sent_count; i++)
        count += world.sent[i].kind == kind && world.sent[i].to == to;
    return count;
}

static void open_route(void)
{
    cb_message message = from_asker(CB_MSG_OPEN_ROUTE, 1);
    message.status = 1000;
    message.connection = cb_route_word(CB_ROUTE_TCP, 0);
    message.payload = payload();
    one(message);
    send_all_in();
    cb_message listening = from_listener(CB_MSG_ROUTE_LISTENING);
    listening.value = PORT;
    one(listening);
    send_all_in();
    CU_ASSERT_PTR_NOT_NULL_FATAL(sent(CB_MSG_ANSWER, 1));
}

static cb_message about_connection(cb_message_kind kind)
{
    cb_message message = from_listener(kind);
    message.connection = 7;
    return message;
}

/* OTHER waits so often for the route to be drained, which has a request. */
static void have_wait(uint64_t many)
{
    static cb_message waits[CB_BATCH_MAX];
    one(about_connection(CB_MSG_ACCEPTED));
    for (uint64_t cause = 1; cause <= many;) {
        size_t count = 0;
        for (; count < CB_BATCH_MAX && cause <= many; cause++)
            waits[count++] = (cb_message){.kind = CB_MSG_WAIT,
                                          .name_space = NS,
                                          .status = CB_WAIT_ROUTE_DRAINED,
                                          .from = OTHER,
                                          .cause = cause,
                                          .job = 1,
                                          .value = -1};
        batch(count, waits);
        send_all_in();
    }
    CU_ASSERT_EQUAL(count_sent(CB_MSG_ANSWER, OTHER), 0);
}

static void lose_memory(void)
{
    scarce_begin(1, FOR_EVER);
}

/* One input answers all waits, and there is no memory, and OTHER reads nothing. */
static void answer_all(void)
{
    release_sent();
    lose_memory();
    world.reads_nothing = OTHER;
    cb_message closed = about_connection(CB_MSG_CONNECTION_CLOSED);
    closed.status = CB_CLOSE_PEER_CLOSED;
    one(closed);
    send_all_in();
    CU_ASSERT_EQUAL(count_sent(CB_MSG_ANSWER, OTHER), 0);
}

static void become_short(void)
{
    begin_shell();
    open_route();
    have_wait(MANY);
    answer_all();
    CU_ASSERT(scarce_failed());
}

static void all_waits_were_answered(void)
{
    uint64_t cause = 0;
    for (size_t i = 0; i < world.sent_count; i++)
        if (world.sent[i].to == OTHER) {
            CU_ASSERT_EQUAL(world.sent[i].cause, ++cause);
            CU_ASSERT_EQUAL(world.sent[i].value, 1);
        }
    CU_ASSERT_EQUAL(cause, MANY);
}

/* -- effects ----------------------------------------------------------------------------------- */

static void more_answers_than_records_all_arrive_without_memory(void)
{
    become_short();
    world.reads_nothing = 0;
    visit();
    all_waits_were_answered();
    end_shell();
}

static void an_input_waits_until_the_last_ones_answers_have_their_place(void)
{
    become_short();
    one(question(CB_ASK_OPEN_COUNT, 0, 2));
    send_all_in();
    visit();
    CU_ASSERT_PTR_NULL(sent(CB_MSG_ANSWER, 2));
    world.reads_nothing = 0; /* still there is no memory */
    for (int i = 0; i < 3; i++)
        visit();
    all_waits_were_answered();
    CU_ASSERT_EQUAL(count_sent(CB_MSG_ANSWER, ASKER), 1);
    end_shell();
}

static void memory_that_is_back_serves_others_beside_a_full_queue(void)
{
    become_short();
    one(question(CB_ASK_OPEN_COUNT, 0, 2));
    send_all_in();
    CU_ASSERT_PTR_NULL(sent(CB_MSG_ANSWER, 2));
    (void)scarce_end();
    visit();
    visit();
    CU_ASSERT_PTR_NOT_NULL(sent(CB_MSG_ANSWER, 2));
    CU_ASSERT_EQUAL(count_sent(CB_MSG_ANSWER, OTHER), 0);
    world.reads_nothing = 0;
    visit();
    all_waits_were_answered();
    end_shell();
}

/* The bell is set: nobody has to come. */
static void the_shell_tries_again_by_itself(void)
{
    become_short();
    cb_bell *bell = cb_supervisor_bell(world.supervisor);
    pthread_mutex_lock(&bell->lock);
    CU_ASSERT_NOT_EQUAL(bell->due_ns, INT64_MAX);
    pthread_mutex_unlock(&bell->lock);
    world.reads_nothing = 0;
    visit();
    all_waits_were_answered();
    end_shell();
}

static void an_end_leaves_nothing_of_what_waits_to_be_taken_in(void)
{
    begin_shell();
    open_route();
    have_wait(MANY);
    order_end();
    answer_all();
    cb_message command = from_asker(CB_MSG_COMMAND, 3);
    command.route = 1;
    command.payload = payload();
    one(command);
    send_all_in();
    end_short();
}

/* Every record is in use, and no one more is needed yet. */
static void an_end_leaves_nothing_of_what_waits_for_its_place(void)
{
    begin_shell();
    open_route();
    cb_message command = from_asker(CB_MSG_COMMAND, 2);
    command.route = 1;
    one(command);
    send_all_in();
    CU_ASSERT_PTR_NOT_NULL_FATAL(sent(CB_MSG_ORDER, 0));
    cb_message done = from_listener(CB_MSG_ORDER_DONE);
    done.job = sent(CB_MSG_ORDER, 0)->job;
    have_wait(CB_OUTBOX_CHUNK);
    order_end();
    answer_all();
    CU_ASSERT_FALSE(scarce_failed());
    done.payload = payload();
    one(done);
    send_all_in();
    CU_ASSERT(scarce_failed());
    CU_ASSERT_EQUAL(world.sent_count, 0);
    end_short();
}

/* -- what carries payloads ----------------------------------------------------------------------
 */

static void the_payload_of_an_order_is_not_lost(void)
{
    become_short();
    cb_message command = from_asker(CB_MSG_COMMAND, 3);
    command.route = 1;
    command.payload = payload();
    one(command);
    send_all_in();
    CU_ASSERT_PTR_NULL(sent(CB_MSG_ORDER, 0));
    (void)scarce_end();
    visit();
    visit();
    const cb_message *order = sent(CB_MSG_ORDER, 0);
    CU_ASSERT_PTR_NOT_NULL_FATAL(order);
    CU_ASSERT_EQUAL(order->payload, command.payload);
    CU_ASSERT_EQUAL(count_sent(CB_MSG_ORDER, CB_ADDRESS_FIRST_ACTOR), 1);
    end_shell();
}

/* A callback's name is the state's, too: the shell retains it once. */
static void a_shared_payload_is_retained_once(void)
{
    become_short();
    one(question(CB_ASK_ROUTE_CALLBACK, 1, 9004));
    send_all_in();
    visit();
    world.reads_nothing = 0;
    visit();
    visit();
    CU_ASSERT_PTR_NOT_NULL_FATAL(sent(CB_MSG_ANSWER, 9004));
    CU_ASSERT_NOT_EQUAL(sent(CB_MSG_ANSWER, 9004)->payload, 0);
    CU_ASSERT_EQUAL(cb_message_payload(sent(CB_MSG_ANSWER, 9004))->refs, 2);
    end_shell();
}

static void figures_without_memory_are_an_answer(void)
{
    begin_shell();
    visit();
    lose_memory();
    one(question(CB_ASK_SNAPSHOT, 0, 5));
    send_all_in();
    CU_ASSERT_PTR_NOT_NULL_FATAL(sent(CB_MSG_ANSWER, 5));
    CU_ASSERT_EQUAL(sent(CB_MSG_ANSWER, 5)->status, CB_NO_MEMORY);
    CU_ASSERT_EQUAL(sent(CB_MSG_ANSWER, 5)->payload, 0);
    end_shell();
}

/* step refuses it, and what came with it is released without memory. */
static void a_route_without_memory_is_refused_and_its_payload_released(void)
{
    begin_shell();
    visit();
    lose_memory();
    cb_message message = from_asker(CB_MSG_OPEN_ROUTE, 6);
    message.status = 1000;
    message.connection = cb_route_word(CB_ROUTE_TCP, 0);
    message.payload = payload();
    one(message);
    send_all_in();
    CU_ASSERT_PTR_NOT_NULL_FATAL(sent(CB_MSG_ANSWER, 6));
    CU_ASSERT_EQUAL(sent(CB_MSG_ANSWER, 6)->status, CB_NO_MEMORY);
    CU_ASSERT_EQUAL(payloads, 0);
    end_shell();
}

/* -- actors -------------------------------------------------------------------------------------
 */

static void a_request_without_memory_for_a_worker_is_dropped(void)
{
    begin_shell();
    open_route();
    one(about_connection(CB_MSG_ACCEPTED));
    send_all_in();
    release_sent();
    lose_memory();
    cb_message ready = about_connection(CB_MSG_REQUEST_READY);
    ready.payload = payload();
    ready.value = 4;
    one(ready);
    send_all_in();
    const cb_message *refusal = sent(CB_MSG_DROP, 0);
    CU_ASSERT_PTR_NOT_NULL_FATAL(refusal);
    CU_ASSERT_EQUAL(refusal->status, CB_JOB_OVERLOADED);
    CU_ASSERT_EQUAL(count_sent(CB_MSG_DROP, CB_ADDRESS_FIRST_ACTOR), 1);
    end_shell();
}

/* -- the end ------------------------------------------------------------------------------------
 */

static void a_shutdown_needs_no_memory(void)
{
    begin_shell();
    open_route();
    have_wait(MANY);
    release_sent();
    lose_memory();
    one((cb_message){.kind = CB_MSG_SHUTDOWN, .from = ASKER});
    send_all_in();
    CU_ASSERT_EQUAL(count_sent(CB_MSG_ANSWER, OTHER), MANY);
    CU_ASSERT_EQUAL(count_sent(CB_MSG_STOP_ACCEPTING, CB_ADDRESS_FIRST_ACTOR), 1);
    end_shell();
}

static void a_shutdown_that_comes_in_short_times_is_obeyed_when_they_are_over(void)
{
    become_short();
    one((cb_message){.kind = CB_MSG_SHUTDOWN, .from = ASKER});
    send_all_in();
    CU_ASSERT_PTR_NULL(sent(CB_MSG_STOP_ACCEPTING, 0));
    world.reads_nothing = 0;
    visit();
    visit();
    CU_ASSERT_EQUAL(count_sent(CB_MSG_STOP_ACCEPTING, CB_ADDRESS_FIRST_ACTOR), 1);
    all_waits_were_answered();
    end_shell();
}

/* The last actor has said good-bye, but what is owed to OTHER has no place yet. */
static void an_end_waits_for_what_waits_for_its_place(void)
{
    pthread_t own;
    begin_shell();
    open_route();
    have_wait(MANY);
    one((cb_message){.kind = CB_PLUMBING_STOP, .from = ASKER});
    one((cb_message){.kind = CB_PLUMBING_BYE, .from = CB_ADDRESS_FIRST_ACTOR});
    answer_all();
    CU_ASSERT(scarce_failed());
    scarce_spare_me(true);
    CU_ASSERT_EQUAL_FATAL(pthread_create(&own, NULL, cb_supervisor_thread, world.supervisor), 0);
    scarce_spare_me(false);
    struct timespec soon;
    (void)clock_gettime(CLOCK_REALTIME, &soon);
    soon.tv_sec += 1;
    CU_ASSERT_EQUAL_FATAL(pthread_timedjoin_np(own, NULL, &soon), ETIMEDOUT);
    (void)scarce_end();
    CU_ASSERT_EQUAL(pthread_join(own, NULL), 0);
    CU_ASSERT_EQUAL(count_sent(CB_MSG_ANSWER, OTHER), 0);
    close_supervisor(); /* what a full queue did not take ends here */
    CU_ASSERT_EQUAL(payloads, 0);
}

/* A deadline that passes in short times is an input like others. */
static void a_deadline_waits_for_what_waits_for_its_place(void)
{
    begin_shell();
    open_route();
    cb_message wait = from_asker(CB_MSG_WAIT, 9002);
    wait.status = CB_WAIT_TIME;
    wait.value = 1;
    have_wait(MANY);
    one(wait);
    send_all_in();
    answer_all();
    int64_t until_ns = cb_now_ns() + 2000000;
    while (cb_now_ns() < until_ns)
        visit();
    CU_ASSERT_EQUAL(count_sent(CB_MSG_ANSWER, ASKER), 0);
    world.reads_nothing = 0;
    visit();
    visit();
    CU_ASSERT_EQUAL(count_sent(CB_MSG_ANSWER, ASKER), 1);
    all_waits_were_answered();
    end_shell();
}

/* -- questions that cannot be held ----------------------------------------------------------------
 */

/* Batches of questions, and the inbox is not seen empty between them. */
static void ask_much(size_t count)
{
    static cb_message questions[CB_BATCH_MAX];
    for (uint64_t cause = 1; count > 0;) {
        size_t part = count < CB_BATCH_MAX ? count : CB_BATCH_MAX;
        for (size_t i = 0; i < part; i++)
            questions[i] = question(CB_ASK_OPEN_COUNT, 0, cause++);
        batch(part, questions);
        count -= part;
    }
}

static void a_question_that_cannot_be_held_is_refused(void)
{
    size_t room = CB_OUTBOX_CHUNK - CB_OUTBOX_RESERVED;
    begin_shell();
    visit();
    lose_memory();
    ask_much(MANY);
    send_all_in();
    for (size_t i = 0; i < MANY && world.sent_count < MANY; i++)
        visit();
    size_t refused = 0;
    static bool seen[MANY + 1];
    memset(seen, 0, sizeof seen);
    for (size_t i = 0; i < world.sent_count; i++) {
        CU_ASSERT_FALSE(seen[world.sent[i].cause]);
        seen[world.sent[i].cause] = true;
        CU_ASSERT(world.sent[i].status == CB_OK || world.sent[i].status == CB_NO_MEMORY);
        refused += world.sent[i].status == CB_NO_MEMORY;
    }
    CU_ASSERT_EQUAL(world.sent_count, MANY);
    CU_ASSERT(refused > 0 && refused <= MANY - room);
    end_shell();
}

/* The questions can only go in when the order has gone out. */
static void what_is_held_leaves_room_for_orders(void)
{
    begin_shell();
    open_route();
    lose_memory();
    release_sent();
    ask_much(MANY);
    one((cb_message){.kind = CB_MSG_SHUTDOWN, .from = ASKER});
    send_all_in();
    for (size_t i = 0; i < MANY && world.sent_count < MANY + 1; i++)
        visit();
    CU_ASSERT_EQUAL(count_sent(CB_MSG_STOP_ACCEPTING, CB_ADDRESS_FIRST_ACTOR), 1);
    CU_ASSERT_EQUAL(count_sent(CB_MSG_ANSWER, ASKER), MANY);
    end_shell();
}

static void as_many_as_there_is_room_for_are_held(void)
{
    size_t room = CB_OUTBOX_CHUNK - CB_OUTBOX_RESERVED;
    begin_shell();
    visit();
    lose_memory();
    ask_much(room);
    send_all_in();
    visit();
    CU_ASSERT_EQUAL(world.sent_count, room);
    for (size_t i = 0; i < world.sent_count; i++)
        CU_ASSERT_EQUAL(world.sent[i].status, CB_OK);
    end_shell();
}

static void the_end_is_never_refused(void)
{
    size_t room = CB_OUTBOX_CHUNK - CB_OUTBOX_RESERVED;
    begin_shell();
    visit();
    lose_memory();
    ask_much(room);
    one(from_asker(CB_MSG_FINISH, 9000));
    send_all_in();
    visit();
    CU_ASSERT_PTR_NOT_NULL_FATAL(sent(CB_MSG_ANSWER, 9000));
    CU_ASSERT_EQUAL(sent(CB_MSG_ANSWER, 9000)->status, CB_OK);
    CU_ASSERT_EQUAL(world.sent_count, room + 1);
    end_shell();
}

/* What was asked by one that has left meanwhile is refused to nobody. */
static void a_question_of_one_who_left_is_dropped_with_its_payload(void)
{
    size_t room = CB_OUTBOX_CHUNK - CB_OUTBOX_RESERVED;
    begin_shell();
    visit();
    lose_memory();
    ask_much(room);
    one((cb_message){.kind = CB_PLUMBING_BYE, .from = OTHER});
    cb_message command = from_asker(CB_MSG_COMMAND, 3);
    command.from = OTHER;
    command.payload = payload();
    one(command);
    send_all_in();
    visit();
    CU_ASSERT_EQUAL(payloads, 0);
    CU_ASSERT_EQUAL(world.sent_count, room);
    end_shell();
}

/* -- a life --------------------------------------------------------------------------------------
 */

typedef struct life {
    size_t seen;    /* of what was sent */
    uint64_t cause; /* of the newest question */
    uint64_t job;   /* begun */
    int step;       /* of what the asker does */
    int answers;    /* to the newest question */
    int ends;       /* of the request */
    int responses;  /* of them */
    bool opened;
    bool requested;
} life;

static life it;

static void actor_says(const cb_message *to_it, cb_message_kind kind, uint64_t with)
{
    one((cb_message){.kind = (uint16_t)kind,
                     .name_space = NS,
                     .from = to_it->to,
                     .route = 1,
                     .connection = 7,
                     .job = to_it->job,
                     .payload = with});
}

static void actor_leaves(const cb_message *told, cb_message_kind kind)
{
    actor_says(told, kind, 0);
    one((cb_message){.kind = CB_PLUMBING_BYE, .from = told->to});
}

/* What the receiver of a message does. */
static void react(const cb_message *message)
{
    switch (message->kind) {
    case CB_MSG_START_LISTENER:
        actor_says(message, CB_MSG_ROUTE_LISTENING, 0);
        break;
    case CB_MSG_HAND:
        actor_says(message, CB_MSG_JOB_COMPLETED, payload());
        break;
    case CB_MSG_RESPOND:
        it.responses++;
        it.ends++;
        actor_says(message, CB_MSG_RESPONSE_SENT, 0);
        break;
    case CB_MSG_DROP:
        it.ends++;
        actor_says(message, CB_MSG_CONNECTION_CLOSED, 0);
        break;
    case CB_MSG_ORDER:
        actor_says(message, CB_MSG_ORDER_DONE, payload());
        break;
    case CB_MSG_STOP_LISTENER:
        actor_leaves(message, CB_MSG_ROUTE_STOPPED);
        break;
    case CB_MSG_RETIRE_ACTOR:
        actor_leaves(message, CB_MSG_ACTOR_STOPPED);
        break;
    case CB_MSG_ANSWER:
        CU_ASSERT_EQUAL(message->cause, it.cause);
        CU_ASSERT(message->status == CB_OK || scarce_failed());
        it.answers++;
        if (it.step == 1)
            it.opened = message->status == CB_OK;
        if (it.step == 4 && message->status == CB_OK)
            it.job = (uint64_t)message->value;
        break;
    default:
        break;
    }
    cb_buffer_release(cb_message_payload(message));
}

static void ask_next(cb_message_kind kind, uint32_t route, uint64_t job, int32_t status,
                     int64_t value, bool with)
{
    cb_message message = from_asker(kind, ++it.cause);
    it.answers = 0;
    message.route = route;
    message.job = job;
    message.status = status;
    message.value = value;
    message.payload = with ? payload() : 0;
    if (kind == CB_MSG_OPEN_ROUTE)
        message.connection = cb_route_word(CB_ROUTE_TCP, 0);
    one(message);
}

/* What the asker does next; false when it has done all. */
static bool go_on(void)
{
    switch (++it.step) {
    case 1:
        ask_next(CB_MSG_OPEN_ROUTE, 0, 0, 1000, 0, true);
        break;
    case 2:
        ask_next(CB_MSG_ASK, 0, 1, 0, CB_ASK_ROUTE_CALLBACK, false);
        break;
    case 3:
        ask_next(CB_MSG_COMMAND, 1, 0, 20, 0, true);
        break;
    case 4:
        ask_next(CB_MSG_BEGIN_JOB, 0, 3, 0, 1000, true);
        break;
    case 5:
        ask_next(CB_MSG_WAIT, 0, it.job, CB_WAIT_JOB_COMPLETE, -1, false);
        break;
    case 6:
        ask_next(CB_MSG_TAKE_JOB, 0, it.job, 0, 0, false);
        break;
    case 7:
        ask_next(CB_MSG_ASK, 0, 0, 0, CB_ASK_SNAPSHOT, false);
        break;
    case 8:
        ask_next(CB_MSG_CLOSE_ROUTE, 1, 0, 0, 0, false);
        break;
    case 9:
        ask_next(CB_MSG_FINISH, 0, 0, 0, 0, false);
        break;
    default:
        return false;
    }
    return true;
}

static void request_once(void)
{
    if (!it.opened || it.requested)
        return;
    it.requested = true;
    one(about_connection(CB_MSG_ACCEPTED));
    cb_message ready = about_connection(CB_MSG_REQUEST_READY);
    ready.payload = payload();
    one(ready);
}

/* A worker says that it is ready as soon as it is there. */
static cb_status start_ready(cb_core *core, const cb_message *effect, cb_receiver **started,
                             cb_error *error)
{
    cb_status status = start(core, effect, started, error);
    if (status == CB_OK && effect->kind == CB_MSG_ADD_ACTOR)
        one((cb_message){.kind = CB_MSG_ACTOR_READY, .from = effect->to});
    return status;
}

static void live(void)
{
    int turns = 0;
    bool goes_on = true;
    it = (life){.answers = 1};
    for (; goes_on && turns < TURNS; turns++) {
        if (it.answers > 0) {
            CU_ASSERT_EQUAL(it.answers, 1);
            request_once();
            goes_on = (it.requested && it.ends == 0) || go_on();
        }
        empty();
        visit();
        while (it.seen < world.sent_count)
            react(&world.sent[it.seen++]);
    }
    CU_ASSERT(turns < TURNS);
    CU_ASSERT_EQUAL(it.ends, it.requested ? 1 : 0);
    CU_ASSERT(scarce_failed() || it.responses == 1);
    world.sent_count = 0; /* their payloads are released */
}

/* False if there was nothing left to fail. */
static bool live_with_failure(long first, long count)
{
    unsigned before = CU_get_number_of_failures();
    begin();
    payloads = 0;
    world.goes_on_for_ever = true;
    world.lacks_memory = scarce_fails_now;
    world.core.options.limits = cb_limits_default();
    scarce_begin(first, count);
    cb_status status =
        cb_supervisor_new(&world.core, &world.base, NULL, start_ready, &world.supervisor, NULL);
    if (status == CB_OK) {
        live();
        world.goes_on_for_ever = false;
        (void)cb_supervisor_thread(world.supervisor);
        close_supervisor();
    } else {
        CU_ASSERT(status == CB_NO_MEMORY && scarce_failed() && world.closed);
        free((cb_receiver *)(intptr_t)world.inbox[0].value);
    }
    CU_ASSERT_EQUAL(payloads, 0);
    long failed = scarce_end();
    if (CU_get_number_of_failures() != before)
        printf("    chance %ld (%ld in a row)\n", first, count);
    return failed > 0;
}

static void in_turn(long count)
{
    long first = 1;
    while (live_with_failure(first, count))
        first++;
    printf("    up to chance %ld ", first);
    CU_ASSERT(first > 50);
}

static void each_chance_may_fail_once(void)
{
    in_turn(1);
}

static void three_may_fail_in_a_row(void)
{
    in_turn(3);
}

static void many_may_fail_in_a_row(void)
{
    in_turn(50);
}

#define TEST(function)                                                                             \
    {                                                                                              \
#function, function                                                                        \
    }

int main(void)
{
    CU_TestInfo tests[] = {TEST(more_answers_than_records_all_arrive_without_memory),
                           TEST(an_input_waits_until_the_last_ones_answers_have_their_place),
                           TEST(memory_that_is_back_serves_others_beside_a_full_queue),
                           TEST(the_shell_tries_again_by_itself),
                           TEST(an_end_leaves_nothing_of_what_waits_to_be_taken_in),
                           TEST(an_end_leaves_nothing_of_what_waits_for_its_place),
                           TEST(the_payload_of_an_order_is_not_lost),
                           TEST(a_shared_payload_is_retained_once),
                           TEST(figures_without_memory_are_an_answer),
                           TEST(a_route_without_memory_is_refused_and_its_payload_released),
                           TEST(a_request_without_memory_for_a_worker_is_dropped),
                           TEST(a_shutdown_needs_no_memory),
                           TEST(a_shutdown_that_comes_in_short_times_is_obeyed_when_they_are_over),
                           TEST(an_end_waits_for_what_waits_for_its_place),
                           TEST(a_deadline_waits_for_what_waits_for_its_place),
                           TEST(a_question_that_cannot_be_held_is_refused),
                           TEST(what_is_held_leaves_room_for_orders),
                           TEST(as_many_as_there_is_room_for_are_held),
                           TEST(the_end_is_never_refused),
                           TEST(a_question_of_one_who_left_is_dropped_with_its_payload),
                           TEST(each_chance_may_fail_once),
                           TEST(three_may_fail_in_a_row),
                           TEST(many_may_fail_in_a_row),
                           CU_TEST_INFO_NULL};
    CU_SuiteInfo suites[] = {{"shell memory", NULL, NULL, NULL, NULL, tests}, CU_SUITE_INFO_NULL};
    if (CU_initialize_registry() != CUE_SUCCESS || CU_register_suites(suites) != CUE_SUCCESS)
        return 1;
    CU_basic_set_mode(CU_BRM_VERBOSE);
    CU_basic_run_tests();
    unsigned failed = CU_get_number_of_failures();
    CU_cleanup_registry();
    return failed != 0;
}
