// SPDX-License-Identifier: GPL-2.0-only OR MIT
/*
 * How large a request and its reply may be, what they are copied from, and who
 * pays for them (G10).
 */
#include "mbox_call.h"
#include "mbox_parameters.h"

#include <sys/uio.h>

#define LARGE	200000

FIXTURE(sized_call) {
	int r, s;		/* a mailbox, by its ends */
	struct peer *p;		/* calls with 42 */
	__u64 user_bytes;
};

FIXTURE_SETUP(sized_call)
{
	MB_NEED_DEVICE();
	parameters_restore();
	ASSERT_EQ(0, mb_create_ends(0, &self->r, &self->s));
	self->p = peer_call(self->s, 7, 3, 42);
	self->user_bytes = user_bytes();
}

/* Whatever happened: nothing of it is left. */
FIXTURE_TEARDOWN(sized_call)
{
	EXPECT_TRUE(all_over(self->r));
	EXPECT_EQ(self->user_bytes, user_bytes());
	close(self->r);
	close(self->s);
	parameters_restore();
}

TEST_F(sized_call, request_and_reply_may_be_empty)
{
	struct mbox_msg_args args = { .flags = MBOX_WAIT_NONE };

	self->p->args.buf = 0;
	self->p->args.len = 0;
	self->p->args.reply_buf = 0;
	self->p->args.reply_len = 0;
	ASSERT_TRUE(peer_calls(self->p));
	EXPECT_EQ(0, mb_recv(self->r, &args));
	EXPECT_EQ(0, args.out_len);
	EXPECT_EQ(0, args.out_reply_max);
	EXPECT_EQ(MBOX_MSG_CALL, args.out_flags);
	EXPECT_EQ(-EMSGSIZE, num_reply(self->r, args.out_token, 43));
	EXPECT_EQ(0, num_finish(self->r, args.out_token, MBOX_FINISH_REPLY));
	EXPECT_EQ(0, peer_join(self->p));
	EXPECT_EQ(0, self->p->args.out_len);
	EXPECT_EQ(MBOX_MSG_REPLY, self->p->args.out_flags);
}

TEST_F(sized_call, empty_reply_leaves_the_buffer_alone)
{
	__u32 token;

	memset(self->p->data + PEER_REPLY, MB_POISON, 8);
	ASSERT_TRUE(peer_calls(self->p));
	EXPECT_EQ(42, num_take(self->r, &token));
	EXPECT_EQ(0, num_finish(self->r, token, MBOX_FINISH_REPLY));
	EXPECT_EQ(0, peer_join(self->p));
	EXPECT_EQ(0, self->p->args.out_len);
	EXPECT_TRUE(mb_all(self->p->data + PEER_REPLY, 8, MB_POISON));
}

/* Call with room for @reply_len; the largest reply that the server may give. */
static long long reply_max_of(int r, struct peer *p, __u32 reply_len,
			      __u32 *token)
{
	struct mbox_msg_args args = { .flags = 0 };
	int ret;

	p->args.reply_len = reply_len;
	if (!peer_calls(p))
		return -ETIME;
	ret = num_recv_args(r, &args);
	*token = args.out_token;
	return ret < 0 ? ret : (long long)args.out_reply_max;
}

TEST_F(sized_call, reply_is_never_longer_than_a_message_of_the_mailbox)
{
	struct mbox_set_args set = {
		.mask = MBOX_SET_MAX_MESSAGE_SIZE,
		.max_message_size = 100,
	};
	struct mbox_msg_args args = { .select = MBOX_FINISH_REPLY };
	char sent[101], reply[101];
	__u32 token;

	memset(sent, 's', sizeof(sent));
	memset(reply, MB_POISON, sizeof(reply));
	ASSERT_EQ(0, mb_set(self->r, &set));
	self->p->args.reply_buf = (unsigned long)reply;
	ASSERT_EQ(100, reply_max_of(self->r, self->p, ~0U, &token));
	args.id = token;
	args.buf = (unsigned long)sent;
	args.len = 101;
	EXPECT_EQ(-EMSGSIZE, mb_finish(self->r, &args));
	args.len = 100;
	EXPECT_EQ(0, mb_finish(self->r, &args));
	EXPECT_EQ(0, peer_join(self->p));
	EXPECT_EQ(100, self->p->args.out_len);
	EXPECT_EQ(0, memcmp(sent, reply, 100));
	EXPECT_EQ((char)MB_POISON, reply[100]);
}

TEST_F(sized_call, reply_is_never_longer_than_the_caller_takes)
{
	struct mbox_msg_args args = { .select = MBOX_FINISH_REPLY };
	__u32 token;

	ASSERT_EQ(6, reply_max_of(self->r, self->p, 6, &token));
	args.id = token;
	args.buf = (unsigned long)"1234567";
	args.len = 7;
	EXPECT_EQ(-EMSGSIZE, mb_finish(self->r, &args));
	EXPECT_FALSE(peer_done(self->p));
	args.len = 6;
	EXPECT_EQ(0, mb_finish(self->r, &args));
	EXPECT_EQ(0, peer_join(self->p));
	EXPECT_EQ(6, self->p->args.out_len);
	EXPECT_EQ(0, memcmp("123456\0", self->p->data + PEER_REPLY, 7));
}

TEST_F(sized_call, g01_large_request_and_reply_arrive_whole)
{
	static const __u32 sizes[] = {
		4087, 4088, 4089, 4095, 4096, 4097, 8176, 8177, 65537, LARGE,
	};
	char *out = malloc(LARGE), *in = malloc(LARGE), *back = malloc(LARGE);
	struct mbox_msg_args take = { .flags = MBOX_WAIT_NONE };
	struct mbox_msg_args reply = { .select = MBOX_FINISH_REPLY };
	unsigned int i;

	ASSERT_TRUE(out && in && back);
	for (i = 0; i < LARGE; i++)
		out[i] = i * 31 + i / 251;
	for (i = 0; i < ARRAY_SIZE(sizes); i++) {
		struct peer *p = peer_call(self->s, 0, 0, 0);

		p->args.buf = (unsigned long)out;
		p->args.len = sizes[i];
		p->args.reply_buf = (unsigned long)back;
		p->args.reply_len = LARGE;
		ASSERT_TRUE(peer_calls(p));
		take.buf = (unsigned long)in;
		take.len = LARGE;
		ASSERT_EQ(0, mb_recv(self->r, &take));
		EXPECT_EQ(0, memcmp(out, in, sizes[i]));
		reply.id = take.out_token;
		reply.buf = (unsigned long)(out + 1);
		reply.len = sizes[i] - 1;
		memset(back, MB_POISON, LARGE);
		EXPECT_EQ(0, mb_finish(self->r, &reply));
		EXPECT_EQ(0, peer_join(p));
		EXPECT_EQ(sizes[i] - 1, p->args.out_len);
		EXPECT_EQ(0, memcmp(out + 1, back, sizes[i] - 1));
		EXPECT_EQ((char)MB_POISON, back[sizes[i] - 1]);
	}
}

TEST_F(sized_call, request_may_lie_in_several_pieces)
{
	const struct iovec iov[] = { { "ab", 2 }, { NULL, 0 }, { "cd", 2 } };
	struct mbox_ext ext = {
		.size = sizeof(ext),
		.iov_count = 3,
		.iov = (unsigned long)iov,
	};
	__u32 token;

	self->p->args.flags |= MBOX_EXT;
	self->p->args.ext = (unsigned long)&ext;
	self->p->args.buf = 0;
	self->p->args.len = 0;
	ASSERT_TRUE(peer_calls(self->p));
	EXPECT_EQ(0x64636261, num_take(self->r, &token));
	EXPECT_EQ(0, num_reply(self->r, token, 43));
	EXPECT_EQ(43, peer_reply(self->p));
}

/* ---- who pays ---- */

/* What a message without a payload takes. */
static __u64 message_cost(int r, int s)
{
	__u64 before = user_bytes(), cost;

	if (mb_put(s, NULL, 0))
		return 0;
	cost = user_bytes() - before;
	mb_get(r, NULL, 0);
	return cost;
}

static void call_beyond_quota(struct __test_metadata *_metadata, void *arg)
{
	struct mbox_msg_args args = {
		.flags = MBOX_WAIT_UNTIL,
		.deadline = 1,
		.buf = (unsigned long)"four",
		.len = 4,
		.reply_len = 101,
	};
	int s = *(int *)arg;

	EXPECT_EQ(0, user_bytes());
	EXPECT_EQ(-EDQUOT, mb_call(s, &args));
	EXPECT_TRUE(mb_poisoned(&args));
	EXPECT_EQ(0, user_bytes());
	args.reply_len = 100;
	EXPECT_EQ(-ETIMEDOUT, mb_call(s, &args));
	EXPECT_EQ(0, user_bytes());
}

TEST_F(sized_call, g10_needs_quota_for_its_reply_at_once)
{
	__u64 cost = message_cost(self->r, self->s);

	ASSERT_LT(0, cost);
	ASSERT_EQ(0, parameter_set("user_bytes", 2 * cost + 4 + 100));
	EXPECT_EQ(0, mb_run_as(_metadata, MB_USER, call_beyond_quota,
			       &self->s));
}

static void reply_beyond_quota(struct __test_metadata *_metadata, void *arg)
{
	struct mbox_msg_args args = { .flags = MBOX_WAIT_FOREVER };
	struct mbox_msg_args reply = {
		.buf = (unsigned long)"8 bytes",
		.len = 8,
	};
	char request[4];

	EXPECT_EQ(-EDQUOT, mb_put(mb_create_anon(), NULL, 0));
	args.buf = (unsigned long)request;
	args.len = sizeof(request);
	EXPECT_EQ(0, mb_recv(*(int *)arg, &args));
	reply.id = args.out_token;
	EXPECT_EQ(0, mb_finish(*(int *)arg, &reply));
}

TEST_F(sized_call, g10_reply_costs_the_server_nothing)
{
	const struct mb_child child = {
		.fn = reply_beyond_quota,
		.arg = &self->r,
		.uid = MB_USER,
		.gid = MB_USER,
	};
	pid_t pid;

	ASSERT_EQ(0, parameter_set("user_bytes", 0));
	pid = mb_fork_child(_metadata, &child);
	ASSERT_LT(0, pid);
	EXPECT_EQ(0, mb_call(self->s, &self->p->args));
	EXPECT_EQ(0, memcmp("8 bytes", self->p->data + PEER_REPLY, 8));
	EXPECT_EQ(0, mb_wait(pid));
}

TEST_HARNESS_MAIN
