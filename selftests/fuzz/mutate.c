// SPDX-License-Identifier: GPL-2.0-only OR MIT
/*
 * The mutator: changes operations, not bytes. It knows what usually comes with
 * what, so that most operations get past the checks of their arguments, and
 * what they need of each other, so that what one waits for does happen.
 */
#include <linux/mbox.h>

#include "input.h"
#include "libfuzzer.h"

static uint64_t state;

static uint32_t any(void)
{
	state ^= state << 13;
	state ^= state >> 7;
	state ^= state << 17;
	return state >> 16;
}

static uint32_t below(uint32_t n)
{
	return any() % n;
}

static int one_in(uint32_t n)
{
	return !below(n);
}

#define PICK(array) ((array)[below(sizeof(array) / sizeof(*(array)))])

/* ---- values ---- */

static uint16_t pick_len(void)
{
	static const uint16_t lens[] = {
		0, 1, 2, 7, 8, 9, 60, 64, 100, 512, 1024, 3800, 3900, 4000, 4095, 4096,
		4097, 8192, 12288, 20000, 65000, 0xff00, 0xffff
	};

	return one_in(4) ? any() : PICK(lens);
}

static uint16_t flags_of(unsigned int kind)
{
	static const uint16_t send[] = {
		0, 0, MBOX_SYNC, MBOX_EXT, MBOX_EXT | MBOX_REPLY_TO, MBOX_SYNC | MBOX_ABANDON
	};
	static const uint16_t recv[] = {
		0, 0, MBOX_TRUNCATE, MBOX_PEEK, MBOX_PEEK | MBOX_PEEK_AFTER, MBOX_LEASE,
		MBOX_EXT, MBOX_EXT | MBOX_LEASE, MBOX_LEASE | MBOX_TRUNCATE
	};
	static const uint16_t rights[] = {
		MBOX_RECV, MBOX_SEND, MBOX_RECV | MBOX_SEND,
		MBOX_RECV | MBOX_SEND | MBOX_NONBLOCK
	};
	static const uint16_t create[] = {
		0, MBOX_NAMED, MBOX_OWN, MBOX_NAMED | MBOX_EPHEMERAL, MBOX_NAMED | MBOX_EXCL,
		MBOX_RT_PRIORITY, MBOX_NAMED | MBOX_OWNED_BY, MBOX_OWN | MBOX_EXCL
	};
	static const uint16_t found[] = {
		MBOX_NAMED, MBOX_NAMED, MBOX_OWN, MBOX_NAMED | MBOX_OWNED_BY
	};

	switch (kind) {
	case FUZZ_SEND:
		return PICK(send);
	case FUZZ_RECV:
	case FUZZ_REPLY_RECV:
	case FUZZ_RECVV:
		return PICK(recv);
	case FUZZ_CALL:
		return one_in(6) ? MBOX_ABANDON : one_in(4) ? MBOX_EXT : 0;
	case FUZZ_FINISH:
	case FUZZ_SENDV:
		return one_in(4) ? MBOX_EXT : 0;
	case FUZZ_CREATE:
		return PICK(rights) | PICK(create);
	case FUZZ_OPEN:
		return PICK(rights) | PICK(found);
	case FUZZ_UNLINK:
		return PICK(found) & ~MBOX_OWNED_BY;
	case FUZZ_NARROW:
		return PICK(rights) | (one_in(2) ? MBOX_BADGE : 0);
	case FUZZ_SET:
		return one_in(2) ? 1 << below(7) : below(128);
	default:
		return one_in(2) ? any() : below(32);
	}
}

/* A slot that is likely to be a handle. */
static uint8_t pick_slot(void)
{
	return one_in(24) ? any() : one_in(3) ? below(8) : below(3);
}

static uint8_t pick_wait(void)
{
	static const uint8_t waits[] = {
		0, 0, 0, 0, 0, 5, 6, 6, 6, 6, 7, 7, 7, 8, 3, 9, 4, 10, 11, 1, 2, 2
	};

	return one_in(12) ? below(16) : PICK(waits);
}

static uint32_t pick_type(void)
{
	static const uint32_t types[] = { 0, 0, 0, 0, 0, 1, 2, 3, 1000, UINT32_MAX };

	return one_in(6) ? any() : PICK(types);
}

static uint16_t pick_priority(void)
{
	static const uint16_t priorities[] = { 0, 0, 0, 0, 0, 1, 2, 3, 32767, 32768 };

	return one_in(8) ? any() : PICK(priorities);
}

static uint8_t pick_id(void)
{
	return one_in(5) ? any() : one_in(4) ? 96 + below(3) : below(3);
}

static uint16_t pick_more(void)
{
	uint16_t more = below(8) | (one_in(6) ? below(16) << 4 : 0);

	return one_in(16) ? any() : one_in(12) ? more | below(16) << 12 : more;
}

/* ---- operations ---- */

/* The less often other processes are made, the more is tried. */
static uint8_t pick_lane(void)
{
	return one_in(40) ? below(FUZZ_LANES) : below(3);
}

static unsigned int pick_kind(void)
{
	static const uint8_t costly[] = {
		FUZZ_FORK, FUZZ_EXIT, FUZZ_EXEC, FUZZ_STOP, FUZZ_UNSHARE, FUZZ_IDS,
		FUZZ_RLIMIT, FUZZ_SCHED, FUZZ_URING
	};
	static const uint8_t seldom[] = {
		FUZZ_QUERY, FUZZ_STAT, FUZZ_UNLINK, FUZZ_OPEN, FUZZ_CREATE, FUZZ_NOTIFY,
		FUZZ_IOCTL, FUZZ_POLL, FUZZ_EPOLL, FUZZ_FCNTL, FUZZ_FDINFO, FUZZ_DUP,
		FUZZ_PASS, FUZZ_PARAMETER, FUZZ_PAUSE
	};
	static const uint8_t often[] = {
		FUZZ_SEND, FUZZ_SEND, FUZZ_SEND, FUZZ_RECV, FUZZ_RECV, FUZZ_RECV, FUZZ_CALL,
		FUZZ_CALL, FUZZ_REPLY_RECV, FUZZ_FINISH, FUZZ_FINISH, FUZZ_SENDV, FUZZ_RECVV,
		FUZZ_CLOSE, FUZZ_SIGNAL, FUZZ_READ, FUZZ_WRITE, FUZZ_NARROW, FUZZ_SET
	};

	return one_in(25) ? PICK(costly) : one_in(3) ? PICK(seldom) : PICK(often);
}

static int is_send(unsigned int kind)
{
	return kind == FUZZ_SEND || kind == FUZZ_CALL || kind == FUZZ_SENDV ||
	       kind == FUZZ_WRITE;
}

static int is_receive(unsigned int kind)
{
	return kind == FUZZ_RECV || kind == FUZZ_REPLY_RECV || kind == FUZZ_RECVV ||
	       kind == FUZZ_READ || kind == FUZZ_FINISH;
}

/* What nearly always must be so, or the operation is refused. */
static void make_plausible(struct fuzz_op *op)
{
	static const uint8_t files[] = { 17, 17, 18, 19, 20, 23, 26, 2 };
	const unsigned int kind = op->kind;

	if (is_send(kind))
		op->slot = one_in(2) ? 0 : 2;
	if (is_receive(kind))
		op->slot = one_in(2);
	if (is_send(kind) || kind == FUZZ_FINISH) {
		op->len = one_in(4) ? op->len : below(200);
		op->select = kind == FUZZ_FINISH ? below(4) : op->select & 0xf0;
	} else if (is_receive(kind) && !one_in(4)) {
		op->len = 20000;
	}
	if ((kind == FUZZ_RECV || kind == FUZZ_RECVV) && !(op->select & 15))
		op->type = 0;
	if (kind == FUZZ_CALL || (kind == FUZZ_SEND && (op->flags & MBOX_SYNC))) {
		op->len2 = one_in(4) ? op->len2 : 1000;
		op->id = (op->flags & MBOX_ABANDON) || one_in(5) ? 96 + below(2) : 0;
		if (!op->wait)
			op->wait = 7;
	}
	if (kind == FUZZ_REPLY_RECV)
		op->len2 = one_in(4) ? op->len2 : below(200);
	if (op->flags & MBOX_EXT) {
		op->slot2 = op->flags & MBOX_REPLY_TO ? 0 : PICK(files);
		op->count = below(4) | (one_in(2) ? below(4) << 4 : 0);
	}
	if (kind == FUZZ_CREATE || kind == FUZZ_SET) {
		op->priority = one_in(2) ? 0666 : 0600;
		op->count = below(8);
	}
}

static struct fuzz_op make_op(unsigned int kind)
{
	struct fuzz_op op = {
		.kind = kind,
		.lane = pick_lane() |
			(one_in(3) ? FUZZ_ASYNC : 0) | (one_in(12) ? below(16) << 4 : 0),
		.slot = pick_slot(),
		.slot2 = one_in(3) ? any() : below(8),
		.flags = flags_of(kind),
		.wait = pick_wait(),
		.select = (one_in(3) ? below(4) : 0) | (one_in(3) ? below(12) << 4 : 0),
		.len = pick_len(),
		.len2 = pick_len(),
		.ptr = one_in(12) ? any() : 0,
		.ptr2 = one_in(16) ? any() : 0,
		.priority = pick_priority(),
		.type = pick_type(),
		.id = pick_id(),
		.count = one_in(2) ? below(8) : any(),
		.more = pick_more(),
	};

	if (!one_in(5))
		make_plausible(&op);
	return op;
}

/* A field gets another value, one that is likely to matter. */
static void change_field(struct fuzz_op *op)
{
	struct fuzz_op other = make_op(fuzz_kind(op));

	switch (below(18)) {
	case 0:
		op->flags = other.flags;
		break;
	case 1:
		op->flags ^= 1 << below(16);
		break;
	case 2:
		op->wait = other.wait;
		break;
	case 3:
		op->lane = (op->lane & 0xf8) | pick_lane();
		break;
	case 4:
		op->lane ^= FUZZ_ASYNC;
		break;
	case 5:
		op->lane = (op->lane & 15) | below(16) << 4;
		break;
	case 6:
		op->slot = other.slot;
		break;
	case 7:
		op->slot2 = other.slot2;
		break;
	case 8:
		op->select = one_in(2) ? below(64) : any();
		break;
	case 9:
		op->len = other.len;
		break;
	case 10:
		op->len2 = other.len2;
		break;
	case 11:
		op->ptr = one_in(2) ? any() : 0;
		break;
	case 12:
		op->ptr2 = one_in(2) ? any() : 0;
		break;
	case 13:
		op->priority = other.priority;
		break;
	case 14:
		op->type = other.type;
		break;
	case 15:
		op->id = other.id;
		break;
	case 16:
		op->count = one_in(2) ? any() : op->count + (one_in(2) ? 1 : -1);
		break;
	default:
		op->more = one_in(2) ? other.more : op->more ^ 1 << below(16);
	}
}

/* A user other than root, and an end, cost time: seldom. */
static void change_head(struct fuzz_head *head)
{
	switch (below(6)) {
	case 0:
		head->user = one_in(3) ? any() : 0;
		break;
	case 1:
		head->end = one_in(3) ? any() : 0;
		break;
	case 2:
	case 3:
		head->limits = any();
		break;
	default:
		head->kind = any();
	}
}

/* ---- sequences ---- */

static void insert(struct fuzz_input *in, unsigned int at, const struct fuzz_op *ops,
		   unsigned int n)
{
	if (in->count + n > FUZZ_OPS_MAX)
		return;
	memmove(&in->ops[at + n], &in->ops[at], (in->count - at) * sizeof(*ops));
	memcpy(&in->ops[at], ops, n * sizeof(*ops));
	in->count += n;
}

static void erase(struct fuzz_input *in, unsigned int at, unsigned int n)
{
	in->count -= n;
	memmove(&in->ops[at], &in->ops[at + n], (in->count - at) * sizeof(*in->ops));
}

/* Operations that belong together, up to a 0. The first may have to wait. */
static unsigned int make_idiom(struct fuzz_op *ops)
{
	static const uint8_t idioms[][4] = {
		{ FUZZ_RECV, FUZZ_SEND }, { FUZZ_SEND, FUZZ_RECV }, { FUZZ_SEND, FUZZ_SEND },
		{ FUZZ_CALL, FUZZ_RECV, FUZZ_FINISH }, { FUZZ_RECV, FUZZ_CALL, FUZZ_FINISH },
		{ FUZZ_REPLY_RECV, FUZZ_CALL, FUZZ_REPLY_RECV },
		{ FUZZ_CALL, FUZZ_SIGNAL, FUZZ_CALL }, { FUZZ_CALL, FUZZ_RECV, FUZZ_SIGNAL },
		{ FUZZ_SEND, FUZZ_RECV, FUZZ_CLOSE }, { FUZZ_SENDV, FUZZ_RECVV },
		{ FUZZ_RECVV, FUZZ_SENDV }, { FUZZ_RECV, FUZZ_SIGNAL, FUZZ_SEND },
		{ FUZZ_CREATE, FUZZ_OPEN, FUZZ_UNLINK }, { FUZZ_NARROW, FUZZ_SEND, FUZZ_RECV },
		{ FUZZ_RECV, FUZZ_SIGNAL }, { FUZZ_SEND, FUZZ_SET, FUZZ_RECV },
		{ FUZZ_NOTIFY, FUZZ_SEND, FUZZ_RECV }, { FUZZ_EPOLL, FUZZ_SEND, FUZZ_EPOLL },
		{ FUZZ_FCNTL, FUZZ_SEND, FUZZ_RECV }, { FUZZ_RECV, FUZZ_FINISH, FUZZ_FINISH },
		{ FUZZ_SEND, FUZZ_CLOSE, FUZZ_CLOSE, FUZZ_CLOSE },
		{ FUZZ_RECV, FUZZ_CLOSE, FUZZ_CLOSE, FUZZ_CLOSE },
		{ FUZZ_CALL, FUZZ_RECV, FUZZ_CLOSE }, { FUZZ_SEND, FUZZ_RECV, FUZZ_SET },
		{ FUZZ_READ, FUZZ_WRITE }, { FUZZ_PASS, FUZZ_CLOSE, FUZZ_PASS },
	};
	const uint8_t *idiom = PICK(idioms);
	uint8_t slot = below(3);
	unsigned int n;

	for (n = 0; n < 4 && (!n || idiom[n]); n++) {
		ops[n] = make_op(idiom[n]);
		if (!one_in(3) && !is_send(idiom[n]) && !is_receive(idiom[n]))
			ops[n].slot = idiom[n] == FUZZ_CLOSE ? n - 1 : slot;
		if (!n && one_in(2))
			ops[n].wait = 2 + below(7);
	}
	return n;
}

static void add_something(struct fuzz_input *in)
{
	struct fuzz_op ops[4];
	unsigned int n = 1;

	if (one_in(2))
		n = make_idiom(ops);
	else
		ops[0] = make_op(pick_kind());
	insert(in, one_in(2) ? in->count : below(in->count + 1), ops, n);
}

#define LONG	10	/* longer inputs become shorter again */

static void mutate(struct fuzz_input *in)
{
	unsigned int at = in->count ? below(in->count) : 0;
	unsigned int to = in->count ? below(in->count) : 0;
	struct fuzz_op op;

	if (in->count > LONG && one_in(2)) {
		erase(in, at, 1);
		return;
	}
	if (!in->count || one_in(4)) {
		add_something(in);
		return;
	}
	switch (below(12)) {
	case 0:
		erase(in, at, 1);
		break;
	case 1:
		op = in->ops[at];	/* the same again, maybe elsewhere */
		insert(in, to, &op, 1);
		break;
	case 2:
		op = in->ops[at];
		in->ops[at] = in->ops[to];
		in->ops[to] = op;
		break;
	case 3:
		change_head(&in->head);
		break;
	case 4:
		in->ops[at] = make_op(fuzz_kind(&in->ops[at]));
		break;
	case 5:
		((uint8_t *)&in->ops[at])[below(sizeof(op))] ^= 1 << below(8);
		break;
	default:
		change_field(&in->ops[at]);
	}
}

size_t LLVMFuzzerCustomMutator(uint8_t *data, size_t size, size_t max, unsigned int seed)
{
	struct fuzz_input in;
	unsigned int n;

	state = seed * 0x9e3779b97f4a7c15ULL + 1;
	fuzz_parse(&in, data, size);
	for (n = 1 + below(one_in(3) ? 8 : 2); n; n--)
		mutate(&in);
	return fuzz_build(&in, data, max);
}

/* The beginning of one and the end of the other. */
size_t LLVMFuzzerCustomCrossOver(const uint8_t *a, size_t a_size, const uint8_t *b,
				 size_t b_size, uint8_t *out, size_t max,
				 unsigned int seed)
{
	struct fuzz_input from, in;
	unsigned int n;

	state = seed * 0x9e3779b97f4a7c15ULL + 1;
	fuzz_parse(&in, a, a_size);
	fuzz_parse(&from, b, b_size);
	if (in.count)
		erase(&in, in.count / 2, in.count - in.count / 2);
	n = from.count ? 1 + below(from.count) : 0;
	if (in.count + n > FUZZ_OPS_MAX)
		n = FUZZ_OPS_MAX - in.count;
	insert(&in, in.count, &from.ops[from.count - n], n);
	return fuzz_build(&in, out, max);
}
