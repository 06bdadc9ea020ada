// SPDX-License-Identifier: GPL-2.0-only OR MIT
/*
 * Thousands of random operations on a mailbox with little room, compared step by step with
 * a model of it: what its limits refuse, what is dropped for what, leases and calls that
 * end in every way, and what can be seen of it by STAT, poll and FIONREAD. The seed is
 * shown; MBOX_SEED=n repeats a run.
 */
#include "mbox_call.h"

#include <sys/ioctl.h>

#define STEPS		6000
#define MODEL_MAX	64	/* more than there can be */
#define LEN_MAX		40
#define TYPES		4
#define PRIORITIES	3
#define REPLY_MAX	8	/* what callers take */

struct model_msg {
	__u64 type;
	__u16 priority;
	__u32 len;
	int number;		/* in the order sent; the payload is made of it */
	int deliveries;
	bool call;
	__u32 token;		/* 0: it is queued */
};

static struct model {
	struct model_msg msg[MODEL_MAX];
	int count;
	__u32 max_messages, max_message_size;
	__u64 max_bytes;
	bool drops;		/* is the policy */
	__u64 sent, received, dropped;
} m;

static unsigned int seed;

static unsigned int rnd(unsigned int n)
{
	return rand_r(&seed) % n;
}

static bool before(const struct model_msg *a, const struct model_msg *b)
{
	return a->priority != b->priority ? a->priority > b->priority :
					    a->number < b->number;
}

static bool selects(const struct mbox_msg_args *args, const struct model_msg *msg)
{
	if (msg->token || msg->priority < args->priority)
		return false;
	switch (args->select) {
	case MBOX_SELECT_EQUAL:
		return msg->type == args->type;
	case MBOX_SELECT_NOT_EQUAL:
		return msg->type != args->type;
	case MBOX_SELECT_LOWEST:
		return msg->type <= args->type;
	}
	return true;
}

/* What a receive would take; NULL: nothing. */
static struct model_msg *model_find(const struct mbox_msg_args *args)
{
	struct model_msg *best = NULL, *msg;

	for (msg = m.msg; msg < m.msg + m.count; msg++) {
		if (!selects(args, msg))
			continue;
		if (best && args->select == MBOX_SELECT_LOWEST && msg->type != best->type)
			best = msg->type < best->type ? msg : best;
		else if (!best || before(msg, best))
			best = msg;
	}
	return best;
}

static void model_remove(struct model_msg *msg)
{
	*msg = m.msg[--m.count];
}

static __u64 model_bytes(void)
{
	__u64 bytes = 0;
	int i;

	for (i = 0; i < m.count; i++)
		bytes += m.msg[i].len;
	return bytes;
}

static int model_tokens(void)
{
	int i, n = 0;

	for (i = 0; i < m.count; i++)
		n += m.msg[i].token != 0;
	return n;
}

static int model_calls(void)
{
	int i, n = 0;

	for (i = 0; i < m.count; i++)
		n += m.msg[i].call;
	return n;
}

static bool model_fits(__u32 len)
{
	return (__u32)m.count < m.max_messages && model_bytes() + len <= m.max_bytes;
}

/* What is dropped first of what may be: of the lowest priority, the oldest. */
static struct model_msg *model_victim(void)
{
	struct model_msg *victim = NULL, *msg;

	for (msg = m.msg; msg < m.msg + m.count; msg++) {
		if (msg->token || msg->call)
			continue;
		if (!victim || msg->priority < victim->priority ||
		    (msg->priority == victim->priority && msg->number < victim->number))
			victim = msg;
	}
	return victim;
}

/* Drop for a message what must be; nothing, if that is in vain. */
static bool model_make_room(const struct model_msg *for_msg)
{
	static struct model as_it_was;
	struct model_msg *victim;

	as_it_was = m;
	while (m.drops && !model_fits(for_msg->len)) {
		victim = model_victim();
		if (!victim || victim->priority > for_msg->priority) {
			m = as_it_was;
			return false;
		}
		model_remove(victim);
		m.dropped++;
	}
	return model_fits(for_msg->len);
}

/* ---- steps: each does one thing, and returns whether it was what the model says ---- */

static bool step_send(int h, int replies, int number)
{
	struct model_msg msg = {
		.type = rnd(TYPES), .priority = rnd(PRIORITIES),
		.len = rnd(LEN_MAX + 1), .number = number, .call = !rnd(4),
	};
	char buf[LEN_MAX];
	struct mbox_ext ext = { .size = sizeof(ext), .reply_to = replies };
	struct mbox_msg_args args = {
		.flags = MBOX_WAIT_NONE,
		.type = msg.type,
		.priority = msg.priority,
		.buf = (unsigned long)buf,
		.len = msg.len,
	};
	int ret;

	memset(buf, number, sizeof(buf));
	if (msg.call) {
		args.flags |= MBOX_REPLY_TO | MBOX_EXT;
		args.reply_len = REPLY_MAX;
		args.id = number;
		args.ext = (unsigned long)&ext;
	}
	ret = mb_send(h, &args);
	if (msg.len > m.max_message_size)
		return ret == -EMSGSIZE;
	if (!model_make_room(&msg))
		return ret == -EAGAIN;
	m.msg[m.count++] = msg;
	m.sent++;
	return !ret;
}

static bool payload_of(const char *buf, __u32 len, const struct model_msg *msg)
{
	return mb_all(buf, len < msg->len ? len : msg->len, msg->number) &&
	       (len <= msg->len || mb_all(buf + msg->len, len - msg->len, MB_POISON));
}

static bool header_of(const struct mbox_msg_args *args, const struct model_msg *msg)
{
	const __u8 flags = (msg->len > args->len ? MBOX_MSG_TRUNCATED : 0) |
			   (msg->deliveries > 1 ? MBOX_MSG_REDELIVERED : 0) |
			   (msg->call ? MBOX_MSG_CALL : 0);

	return args->out_len == msg->len && args->out_type == msg->type &&
	       args->out_priority == msg->priority &&
	       args->out_deliveries == msg->deliveries && args->out_flags == flags;
}

static bool step_receive(int h)
{
	char buf[LEN_MAX];
	struct mbox_msg_args args = {
		.flags = MBOX_WAIT_NONE | (rnd(2) ? MBOX_LEASE : 0) | (rnd(3) ? 0 : MBOX_TRUNCATE),
		.select = rnd(4),
		.buf = (unsigned long)buf,
		.len = rnd(3) ? LEN_MAX : rnd(LEN_MAX),
	};
	struct model_msg *msg;
	int ret;

	memset(buf, MB_POISON, sizeof(buf));
	if (args.select != MBOX_SELECT_ANY)
		args.type = rnd(TYPES);
	if (args.select != MBOX_SELECT_LOWEST && !rnd(3))
		args.priority = rnd(PRIORITIES + 1);
	msg = model_find(&args);
	ret = mb_recv(h, &args);
	if (!msg)
		return ret == -EAGAIN && mb_poisoned(&args);
	if (msg->len > args.len && !(args.flags & MBOX_TRUNCATE))
		return ret == -EMSGSIZE && args.out_len == msg->len &&
		       mb_all(buf, sizeof(buf), MB_POISON);
	msg->deliveries++;
	if (ret || !header_of(&args, msg) || !payload_of(buf, args.len, msg))
		return false;
	/* What is to be finished, is. */
	if (!args.out_token != !(msg->call || (args.flags & MBOX_LEASE)))
		return false;
	msg->token = args.out_token;
	if (!msg->token) {
		model_remove(msg);
		m.received++;
	}
	return true;
}

/* The end of a call has come to who made it. */
static bool reply_came(int replies, int number, __u32 len, bool failed)
{
	struct mbox_msg_args args = {
		.flags = MBOX_WAIT_NONE | MBOX_TRUNCATE,
		.select = MBOX_SELECT_EQUAL,
		.type = number,
	};

	return !mb_recv(replies, &args) && (args.out_flags & MBOX_MSG_REPLY) &&
	       !(args.out_flags & MBOX_MSG_FAILED) == !failed && args.out_len == len;
}

static bool step_finish(int h, int replies)
{
	static const __u8 ends[] = {
		MBOX_FINISH_REPLY, MBOX_FINISH_DONE, MBOX_FINISH_BACK, MBOX_FINISH_FAIL,
	};
	char buf[REPLY_MAX + 2] = "";
	struct mbox_msg_args args = { .select = ends[rnd(4)], .id = 1 + rnd(1000) };
	struct model_msg *msg = m.msg + (m.count ? rnd(m.count) : 0);
	bool call, failed = args.select != MBOX_FINISH_REPLY;
	int number, ret;

	if (m.count && msg->token)
		args.id = msg->token;
	for (msg = m.msg; msg < m.msg + m.count && msg->token != args.id; msg++)
		;
	call = msg < m.msg + m.count && msg->call;
	if (call && !failed) {
		args.buf = (unsigned long)buf;
		args.len = rnd(sizeof(buf) + 1);
	} else if (!call && args.select != MBOX_FINISH_BACK) {
		args.select = MBOX_FINISH_DONE;
	}
	if (args.select == MBOX_FINISH_FAIL)
		args.type = 1 + rnd(9);
	ret = mb_finish(h, &args);
	if (msg == m.msg + m.count)
		return ret == -ESRCH;
	if (args.len > REPLY_MAX)
		return ret == -EMSGSIZE;
	number = msg->number;
	msg->token = 0;
	if (args.select != MBOX_FINISH_BACK) {
		model_remove(msg);
		m.received++;
	}
	return !ret && (args.select == MBOX_FINISH_BACK || !call ||
			reply_came(replies, number, args.len, failed));
}

static bool step_set(int h)
{
	struct mbox_set_args args = { .mask = 0 };

	switch (rnd(4)) {
	case 0:
		args.mask = MBOX_SET_MAX_MESSAGES;
		m.max_messages = 1 + rnd(20);
		args.max_messages = m.max_messages;
		break;
	case 1:
		args.mask = MBOX_SET_MAX_BYTES;
		m.max_bytes = LEN_MAX + rnd(400);
		args.max_bytes = m.max_bytes;
		break;
	case 2:
		args.mask = MBOX_SET_MAX_MESSAGE_SIZE;
		m.max_message_size = 1 + rnd(LEN_MAX);
		args.max_message_size = m.max_message_size;
		break;
	case 3:
		args.mask = MBOX_SET_OVERFLOW;
		m.drops = rnd(2);
		args.overflow = m.drops ? MBOX_OVERFLOW_DROP : MBOX_OVERFLOW_BLOCK;
	}
	return !mb_set(h, &args);
}

/* What can be seen of it; "" if all is as it should be. */
static const char *seen(int h, int replies)
{
	const struct mbox_msg_args any = { .select = MBOX_SELECT_ANY };
	const struct mbox_stat_args st = mb_stat_of(h);
	const struct model_msg *next = model_find(&any), *victim = model_victim();
	const bool writable = model_fits(m.max_message_size) ||
			      (m.drops && victim && !victim->priority);
	short events = poll_now(h);
	int len = -1;

	return st.messages != (__u32)m.count ? "messages" :
	       st.bytes != model_bytes() ? "bytes" :
	       st.tokens != (__u32)model_tokens() ? "tokens" :
	       st.calls != (__u32)model_calls() ? "calls" :
	       mb_messages(replies) != (__u32)model_calls() ? "replies" :
	       st.sent != m.sent ? "sent" :
	       st.received != m.received ? "received" :
	       st.drops != m.dropped ? "drops" :
	       !(events & POLLIN) != !next ? "POLLIN" :
	       !(events & POLLOUT) != !writable ? "POLLOUT" :
	       ioctl(h, FIONREAD, &len) || len != (next ? (int)next->len : 0) ? "FIONREAD" :
	       "";
}

static bool step(int h, int replies, int i)
{
	switch (rnd(16)) {
	case 0:
		return step_set(h);
	case 1 ... 4:
		return step_finish(h, replies);
	case 5 ... 8:
		return step_receive(h);
	default:
		return step_send(h, replies, i);
	}
}

TEST(random_operations_agree_with_a_model_of_limits_and_tokens)
{
	const char *given = getenv("MBOX_SEED");
	unsigned int first;
	int h, replies, i;

	MB_NEED_DEVICE();
	first = given ? strtoul(given, NULL, 0) : mb_now(CLOCK_REALTIME) ^ getpid();
	seed = first;
	TH_LOG("MBOX_SEED=%u", first);
	m.max_messages = 12;
	m.max_bytes = 300;
	m.max_message_size = LEN_MAX;
	h = mb_create(&(struct mbox_create_args){
		.flags = MB_RW, .max_messages = m.max_messages, .max_bytes = m.max_bytes,
		.max_message_size = m.max_message_size,
	});
	replies = mb_create_small(0);
	ASSERT_LE(0, h);
	ASSERT_LE(0, replies);
	for (i = 0; i < STEPS; i++) {
		ASSERT_TRUE(step(h, replies, i)) {
			TH_LOG("operation %d of MBOX_SEED=%u", i, first);
		}
		ASSERT_STREQ("", seen(h, replies)) {
			TH_LOG("operation %d of MBOX_SEED=%u", i, first);
		}
	}
	EXPECT_LT(0, m.dropped);
}

TEST_HARNESS_MAIN
