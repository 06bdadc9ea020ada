// SPDX-License-Identifier: GPL-2.0-only OR MIT
/*
 * A reply that its caller's buffer could not take: it stays on the call, which
 * can be resumed with a better one, or given up. What an interrupted call can be
 * resumed for is in interrupt.c.
 */
#include "mbox_call.h"

FIXTURE(missed_reply) {
	int r, s;		/* a mailbox for one message, by its ends */
	struct mbox_msg_args args;	/* of a call whose reply is there */
	__u64 id;		/* of that call */
	char reply[8];		/* the better buffer */
	char *edge;		/* what is there cannot be touched */
	__u64 user_bytes;
};

#define MISSED FIXTURE_DATA(missed_reply)

static long replies_once(struct peer *p)
{
	struct mbox_msg_args args = {
		.select = MBOX_FINISH_REPLY,
		.buf = (unsigned long)"8 bytes",
		.len = 8,
	};
	struct mbox_msg_args take = { .flags = MBOX_WAIT_FOREVER };
	long ret;

	ret = mb_recv(p->fd, &take);
	args.id = take.out_token;
	return ret ?: mb_finish(p->fd, &args);
}

/* A call without a request; it can not take the reply. */
static int call_in_vain(int r, int s, struct mbox_msg_args *args)
{
	struct peer *server = peer_new(r, replies_once);
	int ret;

	if (!peer_start(server))
		return -ECHILD;
	ret = mb_call(s, args);
	return peer_join(server) ?: ret;
}

FIXTURE_SETUP(missed_reply)
{
	MB_NEED_DEVICE();
	ASSERT_EQ(0, mb_create_ends(1, &self->r, &self->s));
	self->edge = mb_page_end();
	self->user_bytes = user_bytes();
	self->args.reply_buf = (unsigned long)self->edge - 7;
	self->args.reply_len = 8;
	ASSERT_EQ(-EFAULT, call_in_vain(self->r, self->s, &self->args));
	self->id = self->args.id;
	self->args.reply_buf = (unsigned long)self->reply;
}

/* Nothing is left, whether or not it was resumed. */
FIXTURE_TEARDOWN(missed_reply)
{
	EXPECT_TRUE(all_over(self->r));
	close(self->r);
	close(self->s);
	EXPECT_EQ(self->user_bytes, user_bytes());
}

TEST_F(missed_reply, g02_is_not_lost)
{
	EXPECT_NE(0, self->id);
	EXPECT_TRUE(mb_poisoned(&self->args));
	EXPECT_LT(self->user_bytes, user_bytes());
	EXPECT_EQ(0, mb_call(self->s, &self->args));
	EXPECT_EQ(0, memcmp("8 bytes", self->reply, 8));
	EXPECT_EQ(8, self->args.out_len);
	EXPECT_EQ(MBOX_MSG_REPLY, self->args.out_flags);
	EXPECT_EQ(getpid(), self->args.out_pid);
	EXPECT_EQ(self->user_bytes, user_bytes());
}

TEST_F(missed_reply, comes_once)
{
	__u64 id = self->id;

	EXPECT_EQ(0, mb_call(self->s, &self->args));
	self->args.id = id;
	EXPECT_EQ(-ESRCH, mb_call(self->s, &self->args));
	EXPECT_EQ(-ESRCH, mb_abandon(self->s, id));
	/* And is no call of anybody's. */
	EXPECT_EQ(1, mb_stat_of(self->r).sent);
}

TEST_F(missed_reply, can_be_missed_again)
{
	self->args.reply_buf = 8;
	EXPECT_EQ(-EFAULT, mb_call(self->s, &self->args));
	EXPECT_NE(0, self->args.id);
	EXPECT_TRUE(mb_poisoned(&self->args));
	self->args.reply_buf = (unsigned long)self->reply;
	EXPECT_EQ(0, mb_call(self->s, &self->args));
	EXPECT_EQ(0, memcmp("8 bytes", self->reply, 8));
}

TEST_F(missed_reply, is_told_its_length_if_the_new_buffer_is_too_small)
{
	self->args.reply_len = 7;
	EXPECT_EQ(-EMSGSIZE, mb_call(self->s, &self->args));
	EXPECT_EQ(8, self->args.out_len);
	self->args.out_len = 0;
	EXPECT_TRUE(mb_all(&self->args.out_type, MB_MSG_OUT_SIZE, 0));
	EXPECT_NE(0, self->args.id);
	self->args.reply_len = 8;
	EXPECT_EQ(0, mb_call(self->s, &self->args));
	EXPECT_EQ(0, memcmp("8 bytes", self->reply, 8));
}

TEST_F(missed_reply, is_there_after_any_deadline)
{
	self->args.flags = MBOX_WAIT_UNTIL;
	self->args.deadline = 1;
	EXPECT_EQ(0, mb_call(self->s, &self->args));
}

TEST_F(missed_reply, is_for_any_thread_of_the_process)
{
	struct peer *p = peer_new(self->s, NULL);

	p->cmd = MBOX_IOC_CALL;
	p->args = self->args;
	ASSERT_TRUE(peer_start(p));
	EXPECT_EQ(0, peer_join(p));
	EXPECT_EQ(0, memcmp("8 bytes", self->reply, 8));
}

TEST_F(missed_reply, is_for_a_duplicate_of_the_handle)
{
	int other = dup(self->s);

	ASSERT_LE(0, other);
	close(self->s);
	self->s = other;
	EXPECT_EQ(0, mb_call(other, &self->args));
	EXPECT_EQ(0, memcmp("8 bytes", self->reply, 8));
}

TEST_F(missed_reply, is_not_for_another_handle)
{
	int other = mb_narrow(self->s, MBOX_SEND, 0);

	ASSERT_LE(0, other);
	EXPECT_EQ(-ESRCH, mb_call(other, &self->args));
	EXPECT_EQ(-ESRCH, mb_abandon(other, self->id));
	EXPECT_EQ(0, mb_call(self->s, &self->args));
	close(other);
}

static void resume_what_is_anothers(struct __test_metadata *_metadata, void *arg)
{
	MISSED *self = arg;

	EXPECT_EQ(-ESRCH, mb_call(self->s, &self->args));
	EXPECT_EQ(-ESRCH, mb_abandon(self->s, self->id));
}

TEST_F(missed_reply, is_not_for_another_process)
{
	pid_t pid = mb_fork(_metadata, resume_what_is_anothers, self);

	EXPECT_EQ(0, mb_wait(pid));
	EXPECT_EQ(0, mb_call(self->s, &self->args));
}

TEST_F(missed_reply, has_a_number_that_nothing_else_has)
{
	__u64 id = self->id;

	self->args.id = id + 1;
	EXPECT_EQ(-ESRCH, mb_call(self->s, &self->args));
	self->args.id = id | 1ULL << 32;
	EXPECT_EQ(-ESRCH, mb_call(self->s, &self->args));
	self->args.id = ~0ULL;
	EXPECT_EQ(-ESRCH, mb_call(self->s, &self->args));
	EXPECT_TRUE(mb_poisoned(&self->args));
	EXPECT_EQ(-ESRCH, num_finish(self->r, id, MBOX_FINISH_DONE));
	self->args.id = id;
	EXPECT_EQ(0, mb_call(self->s, &self->args));
}

TEST_F(missed_reply, is_gone_when_the_call_is_abandoned)
{
	EXPECT_EQ(0, mb_abandon(self->s, self->id));
	EXPECT_EQ(self->user_bytes, user_bytes());
	EXPECT_EQ(-ESRCH, mb_abandon(self->s, self->id));
	EXPECT_EQ(-ESRCH, mb_call(self->s, &self->args));
}

TEST_F(missed_reply, g10_is_gone_when_the_handle_is_closed)
{
	int other = mb_narrow(self->s, MBOX_SEND, 0);

	ASSERT_LE(0, other);
	close(self->s);
	EXPECT_EQ(self->user_bytes, user_bytes());
	self->s = other;
}

/* It holds no more than itself. */
TEST_F(missed_reply, g10_is_there_though_the_mailbox_went_deaf)
{
	close(self->r);
	EXPECT_EQ(0, mb_call(self->s, &self->args));
	EXPECT_EQ(0, memcmp("8 bytes", self->reply, 8));
	self->r = dup(self->s);
}

static void miss_a_reply(struct __test_metadata *_metadata, void *arg)
{
	MISSED *self = arg;
	struct mbox_msg_args args = { .reply_buf = 8, .reply_len = 8 };

	EXPECT_EQ(-EFAULT, call_in_vain(self->r, self->s, &args));
	EXPECT_LT(self->user_bytes, user_bytes());
}

TEST_F(missed_reply, g10_is_gone_when_the_process_ends)
{
	pid_t pid;

	EXPECT_EQ(0, mb_call(self->s, &self->args));
	pid = mb_fork(_metadata, miss_a_reply, self);
	EXPECT_EQ(0, mb_wait(pid));
	EXPECT_EQ(self->user_bytes, user_bytes());
}

TEST_F(missed_reply, several_wait_side_by_side)
{
	struct mbox_msg_args args = { .reply_buf = 8, .reply_len = 8 };
	char other[8];

	EXPECT_EQ(-EFAULT, call_in_vain(self->r, self->s, &args));
	EXPECT_NE(self->id, args.id);
	args.reply_buf = (unsigned long)other;
	EXPECT_EQ(0, mb_call(self->s, &args));
	EXPECT_EQ(0, mb_call(self->s, &self->args));
	EXPECT_EQ(0, memcmp(other, self->reply, 8));
}

/* ---- the struct itself ---- */

TEST_F(missed_reply, g02_is_not_lost_when_its_header_cannot_be_written)
{
	struct peer *server = peer_new(self->r, replies_once);
	struct mbox_msg_args *args;

	EXPECT_EQ(0, mb_call(self->s, &self->args));
	/* All but its last 8 bytes are there. */
	args = (void *)(self->edge - sizeof(*args) + 8);
	memset(args, 0, MB_MSG_IN_SIZE);
	args->reply_buf = (unsigned long)self->reply;
	args->reply_len = 8;
	ASSERT_TRUE(peer_start(server));
	EXPECT_EQ(-EFAULT, mb_ioctl(self->s, MBOX_IOC_CALL, args));
	EXPECT_EQ(0, peer_join(server));
	EXPECT_NE(0, args->id);
	self->args.id = args->id;
	memset(self->reply, 0, 8);
	EXPECT_EQ(0, mb_call(self->s, &self->args));
	EXPECT_EQ(0, memcmp("8 bytes", self->reply, 8));
}

TEST_F(missed_reply, g10_is_given_up_when_nobody_can_be_told_its_number)
{
	struct mbox_msg_args *args;
	struct peer *server;

	EXPECT_EQ(0, mb_call(self->s, &self->args));
	args = (void *)(self->edge - sizeof(*args));
	memset(args, 0, sizeof(*args));
	args->reply_buf = 8;
	args->reply_len = 8;
	ASSERT_EQ(0, mprotect(self->edge - sysconf(_SC_PAGESIZE),
			      sysconf(_SC_PAGESIZE), PROT_READ));
	server = peer_new(self->r, replies_once);
	ASSERT_TRUE(peer_start(server));
	EXPECT_EQ(-EFAULT, mb_ioctl(self->s, MBOX_IOC_CALL, args));
	EXPECT_EQ(0, peer_join(server));
	EXPECT_EQ(0, args->id);
	EXPECT_EQ(self->user_bytes, user_bytes());
}

static long refuses_once(struct peer *p)
{
	struct mbox_msg_args take = { .flags = MBOX_WAIT_FOREVER };
	long ret = mb_recv(p->fd, &take);

	return ret ?: num_fail(p->fd, take.out_token, 77);
}

TEST_F(missed_reply, may_be_a_refusal)
{
	struct peer *server = peer_new(self->r, refuses_once);
	struct mbox_msg_args *args;

	EXPECT_EQ(0, mb_call(self->s, &self->args));
	args = (void *)(self->edge - MB_MSG_IN_SIZE);
	memset(args, 0, MB_MSG_IN_SIZE);
	ASSERT_TRUE(peer_start(server));
	EXPECT_EQ(-EFAULT, mb_ioctl(self->s, MBOX_IOC_CALL, args));
	EXPECT_EQ(0, peer_join(server));
	self->args.id = args->id;
	EXPECT_EQ(-EREMOTEIO, mb_call(self->s, &self->args));
	EXPECT_EQ(77, self->args.out_code);
	EXPECT_EQ(-ESRCH, mb_call(self->s, &self->args));
}

TEST_HARNESS_MAIN
