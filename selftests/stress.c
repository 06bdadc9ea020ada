// SPDX-License-Identifier: GPL-2.0-only OR MIT
/*
 * Many senders and receivers at once, in all the ways there are, and everything
 * accounted for in the end.
 */
#include "mbox_peer.h"

#define SENDERS		3
#define RECEIVERS	3
#define EACH		700		/* messages a sender */
#define LARGEST		40000

struct packet {
	__u32 sender, serial, len, sum;
	unsigned char data[LARGEST];
};

#define HEAD		offsetof(struct packet, data)

/* What came of it, in memory that all processes share. */
struct account {
	unsigned char seen[SENDERS][EACH];
	unsigned int received, damaged, misordered;
};

static void packet_fill(struct packet *packet, unsigned int *seed)
{
	__u32 i, len = rand_r(seed) % 300;

	if (rand_r(seed) % 16 == 0)
		len = rand_r(seed) % LARGEST;
	packet->len = len;
	packet->sum = 0;
	for (i = 0; i < len; i++) {
		packet->data[i] = packet->serial + i * 7;
		packet->sum += packet->data[i];
	}
}

static bool packet_whole(const struct packet *packet, size_t len)
{
	__u32 i, sum = 0;

	if (len < HEAD || packet->len != len - HEAD ||
	    packet->sender >= SENDERS || packet->serial >= EACH)
		return false;
	for (i = 0; i < packet->len; i++)
		sum += packet->data[i];
	return sum == packet->sum;
}

/* Send in one of four ways, again and again until it is sent. */
static int send_somehow(int h, const struct packet *packet, unsigned int *seed)
{
	struct mbox_msg_args args = {
		.priority = rand_r(seed) % 3,
		.type = rand_r(seed) % 4,
		.buf = (unsigned long)packet,
		.len = HEAD + packet->len,
	};
	int ret, way = rand_r(seed) % 4;

	if (way == 0)
		return write(h, packet, args.len) < 0 ? -errno : 0;
	args.flags = way;	/* MBOX_WAIT_NONE, _FOREVER or _UNTIL */
	do {
		if (way == MBOX_WAIT_UNTIL)
			args.deadline = mb_in(rand_r(seed) % 1000000);
		ret = mb_send(h, &args);
		if (ret == -EAGAIN)
			sched_yield();
	} while (ret == -EAGAIN || ret == -ETIMEDOUT);
	return ret;
}

/* Receive in one of six ways; its length, 0 at the end of all, or an error. */
static long recv_somehow(int h, struct packet *packet, unsigned int *seed)
{
	struct mbox_msg_args args = {
		.flags = MBOX_WAIT_UNTIL,
		.buf = (unsigned long)packet,
		.len = sizeof(*packet),
		.deadline = mb_in(rand_r(seed) % 2000000),
		.type = rand_r(seed) % 4,
		.select = 1 + rand_r(seed) % 3,
	};
	int ret, way = rand_r(seed) % 6;

	if (way == 0) {
		ret = read(h, packet, sizeof(*packet));
		return ret < 0 ? -errno : ret;
	}
	if (way <= 2) {
		args.flags = MBOX_WAIT_FOREVER;
		args.deadline = 0;
		args.select = 0;
		args.type = 0;
	} else if (way == 3 && args.select != MBOX_SELECT_LOWEST) {
		args.priority = rand_r(seed) % 3;
	}
	ret = mb_recv(h, &args);
	/* The end for some types only: not yet for all. */
	if (ret == -EPIPE)
		return args.select ? -EAGAIN : 0;
	return ret ?: (long)args.out_len;
}

static long sends(struct peer *p)
{
	unsigned int seed = p->args.id + 100;
	struct packet *packet = malloc(sizeof(*packet));
	int ret = 0;

	packet->sender = p->args.id;
	for (packet->serial = 0; packet->serial < EACH && !ret;
	     packet->serial++) {
		packet_fill(packet, &seed);
		ret = send_somehow(p->fd, packet, &seed);
	}
	free(packet);
	return ret;
}

static long receives(struct peer *p)
{
	unsigned int seed = p->args.id + 200;
	struct packet *packet = malloc(sizeof(*packet));
	struct account *account = p->arg;
	long ret;

	/* Or this would be a sender too, and never see the end. */
	if (p->is_process)
		close(p->args.type);
	while (1) {
		ret = recv_somehow(p->fd, packet, &seed);
		if (ret == -ETIMEDOUT || ret == -EAGAIN)
			continue;
		if (ret <= 0)
			break;
		if (!packet_whole(packet, ret)) {
			__atomic_add_fetch(&account->damaged, 1,
					   __ATOMIC_RELAXED);
			continue;
		}
		__atomic_add_fetch(&account->seen[packet->sender]
						 [packet->serial], 1,
				   __ATOMIC_RELAXED);
		__atomic_add_fetch(&account->received, 1, __ATOMIC_RELAXED);
	}
	free(packet);
	return ret;
}

FIXTURE(crowd) {
	int r, s;
	struct account *account;
	struct peer *send[SENDERS], *recv[RECEIVERS];
};

FIXTURE_VARIANT(crowd) {
	bool processes;
	__u32 max_messages;
	__u32 max_bytes;
};

FIXTURE_VARIANT_ADD(crowd, of_threads_with_little_room) {
	.max_messages = 3,
};

FIXTURE_VARIANT_ADD(crowd, of_threads_with_few_bytes) {
	.max_messages = 1000,
	.max_bytes = sizeof(struct packet),
};

FIXTURE_VARIANT_ADD(crowd, of_processes) {
	.processes = true,
	.max_messages = 20,
};

FIXTURE_SETUP(crowd)
{
	struct mbox_create_args args = {
		.flags = MB_RW,
		.max_messages = variant->max_messages,
		.max_bytes = variant->max_bytes,
	};
	int h;

	MB_NEED_DEVICE();
	h = mb_create(&args);
	ASSERT_LE(0, h);
	self->r = mb_narrow(h, MBOX_RECV, 0);
	self->s = mb_narrow(h, MBOX_SEND, 0);
	ASSERT_LE(0, self->r);
	ASSERT_LE(0, self->s);
	close(h);
	self->account = mmap(NULL, sizeof(*self->account),
			     PROT_READ | PROT_WRITE,
			     MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	ASSERT_TRUE(self->account != MAP_FAILED);
}

FIXTURE_TEARDOWN(crowd)
{
}

TEST_F(crowd, g01_receives_everything_once_and_whole)
{
	struct mbox_stat_args st;
	int i, j;

	for (i = 0; i < RECEIVERS; i++) {
		self->recv[i] = peer_new(self->r, receives);
		self->recv[i]->args.id = i;
		self->recv[i]->args.type = self->s;
		self->recv[i]->arg = self->account;
		self->recv[i]->is_process = variant->processes;
		ASSERT_TRUE(variant->processes ? peer_fork(self->recv[i]) :
						 peer_start(self->recv[i]));
	}
	for (i = 0; i < SENDERS; i++) {
		self->send[i] = peer_new(self->s, sends);
		self->send[i]->args.id = i;
		ASSERT_TRUE(variant->processes ? peer_fork(self->send[i]) :
						 peer_start(self->send[i]));
	}
	for (i = 0; i < SENDERS; i++)
		EXPECT_EQ(0, peer_join(self->send[i]));
	close(self->s);
	for (i = 0; i < RECEIVERS; i++)
		EXPECT_EQ(0, peer_join(self->recv[i]));
	EXPECT_EQ(0, self->account->damaged);
	EXPECT_EQ(SENDERS * EACH, self->account->received);
	for (i = 0; i < SENDERS; i++)
		for (j = 0; j < EACH; j++)
			ASSERT_EQ(1, self->account->seen[i][j])
				TH_LOG("message %d of sender %d", j, i);
	ASSERT_EQ(0, mb_stat(self->r, &st));
	EXPECT_EQ(0, st.messages);
	EXPECT_EQ(0, st.bytes);
	EXPECT_EQ(SENDERS * EACH, st.sent);
	EXPECT_EQ(SENDERS * EACH, st.received);
}

/* ---- order ---- */

#define IN_ORDER	800

static long sends_in_order(struct peer *p)
{
	unsigned int seed = p->args.id;
	__u32 number[2];
	struct mbox_msg_args args = {
		.flags = MBOX_WAIT_FOREVER,
		.buf = (unsigned long)number,
		.len = sizeof(number),
	};
	int ret = 0;

	number[0] = p->args.id;
	for (number[1] = 1; number[1] <= IN_ORDER && !ret; number[1]++) {
		args.priority = rand_r(&seed) % 3;
		ret = mb_send(p->fd, &args);
	}
	return ret;
}

TEST(g01_one_receiver_sees_each_sender_in_order)
{
	struct mbox_msg_args args = { .flags = MBOX_WAIT_FOREVER };
	__u32 number[2], last[SENDERS][3] = { { 0 } };
	struct peer *p[SENDERS];
	int h, i;

	MB_NEED_DEVICE();
	h = mb_create_small(5);
	ASSERT_LE(0, h);
	for (i = 0; i < SENDERS; i++) {
		p[i] = peer_new(h, sends_in_order);
		p[i]->args.id = i;
		ASSERT_TRUE(peer_fork(p[i]));
	}
	args.buf = (unsigned long)number;
	args.len = sizeof(number);
	for (i = 0; i < SENDERS * IN_ORDER; i++) {
		ASSERT_EQ(0, mb_recv(h, &args));
		ASSERT_LT(last[number[0]][args.out_priority], number[1]);
		last[number[0]][args.out_priority] = number[1];
	}
	for (i = 0; i < SENDERS; i++)
		EXPECT_EQ(0, peer_join(p[i]));
	EXPECT_EQ(-EAGAIN, num_recv(h));
}

/* ---- several mailboxes ---- */

#define STATIONS	5
#define TOKENS		3

#define HOPS		(80 * STATIONS)

/*
 * Pass on to the next mailbox what comes in, one hop more. In its last round a
 * token tells every station that it is over.
 */
static long passes_on(struct peer *p)
{
	__u32 hops;
	struct mbox_msg_args args = {
		.flags = MBOX_WAIT_FOREVER,
		.buf = (unsigned long)&hops,
		.len = sizeof(hops),
	};
	int ret = 0, over = 0;

	while (!ret && over < TOKENS) {
		ret = mb_recv(p->fd, &args);
		if (ret)
			break;
		over += ++hops > HOPS - STATIONS;
		if (hops < HOPS)
			ret = mb_send(p->args.id, &args);
	}
	return ret;
}

TEST(g01_tokens_go_round_through_several_mailboxes)
{
	struct peer *p[STATIONS];
	int h[STATIONS], i;

	MB_NEED_DEVICE();
	for (i = 0; i < STATIONS; i++) {
		h[i] = mb_create_small(TOKENS);
		ASSERT_LE(0, h[i]);
	}
	for (i = 0; i < STATIONS; i++) {
		p[i] = peer_new(h[i], passes_on);
		p[i]->args.id = h[(i + 1) % STATIONS];
		ASSERT_TRUE(i % 2 ? peer_fork(p[i]) : peer_start(p[i]));
	}
	for (i = 0; i < TOKENS; i++)
		ASSERT_EQ(0, num_send(h[i], 0, i, 0));
	for (i = 0; i < STATIONS; i++)
		EXPECT_EQ(0, peer_join(p[i]));
	for (i = 0; i < STATIONS; i++)
		EXPECT_EQ(0, mb_messages(h[i]));
}

/* ---- dropping ---- */

static long floods(struct peer *p)
{
	unsigned int seed = p->args.id, i;
	int ret = 0;

	for (i = 0; i < EACH * 2 && !ret; i++) {
		ret = num_send(p->fd, i % 3, rand_r(&seed) % 4, i);
		/* All that is there may be more urgent. */
		if (ret == -EAGAIN)
			ret = 0;
		else if (!ret)
			__atomic_add_fetch(&p->args.out_len, 1,
					   __ATOMIC_RELAXED);
	}
	return ret;
}

TEST(g01_what_was_accepted_was_received_or_dropped)
{
	struct peer *p[SENDERS];
	struct mbox_create_args args = {
		.flags = MB_RW,
		.max_messages = 7,
		.overflow = MBOX_OVERFLOW_DROP,
	};
	struct mbox_stat_args st;
	__u32 received = 0, accepted = 0;
	int h, i, running;

	MB_NEED_DEVICE();
	h = mb_create(&args);
	ASSERT_LE(0, h);
	for (i = 0; i < SENDERS; i++) {
		p[i] = peer_new(h, floods);
		p[i]->args.id = i;
		ASSERT_TRUE(peer_start(p[i]));
	}
	do {
		for (i = 0, running = 0; i < SENDERS; i++)
			running += !peer_done(p[i]);
		while (num_recv(h) >= 0)
			received++;
	} while (running);
	for (i = 0; i < SENDERS; i++) {
		EXPECT_EQ(0, peer_join(p[i]));
		accepted += p[i]->args.out_len;
	}
	ASSERT_EQ(0, mb_stat(h, &st));
	EXPECT_EQ(0, st.messages);
	EXPECT_EQ(received, st.received);
	EXPECT_EQ(accepted, st.sent);
	EXPECT_EQ(accepted, received + st.drops);
}

TEST_HARNESS_MAIN
