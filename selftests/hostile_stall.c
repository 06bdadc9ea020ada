// SPDX-License-Identifier: GPL-2.0-only OR MIT
/*
 * Users who come to a halt in the middle of an operation, for as long as they like, by
 * memory that does not come: nobody else waits for them.
 */
#include "mbox_call.h"
#include "mbox_halt.h"

#define ROOM	64

FIXTURE(copies) {
	int dev;
	int h;
	int replies;
	int deliveries;		/* messages that are in hand with one of them */
	__u64 bytes;		/* that the user was charged before */
};

#define COPIES FIXTURE_DATA(copies)

/* Somebody whose @page does not come. */
struct stuck {
	int fd;
	unsigned long cmd;	/* 0: write(2) */
	void *args;
	char *page;
	struct stall stall;
	long ret;
	pthread_t thread;

	struct mbox_open_args open;
	struct mbox_create_args create;
	struct mbox_msg_args msg;
	struct mbox_batch_args batch;
	struct mbox_ext ext;
	__u64 data;
};

static void *stuck_main(void *arg)
{
	struct stuck *s = arg;

	s->ret = s->cmd ? mb_ioctl(s->fd, s->cmd, s->args) : mb_write(s->fd, s->page, 8);
	return NULL;
}

static void create(COPIES *self, struct stuck *s)
{
	s->fd = self->dev;
	s->cmd = MBOX_IOC_CREATE;
	s->args = &s->create;
	s->create = (struct mbox_create_args){
		.flags = MBOX_NAMED | MB_RW, .name = (unsigned long)s->page, .name_len = 9,
	};
}

static void open_by_name(COPIES *self, struct stuck *s)
{
	s->fd = self->dev;
	s->cmd = MBOX_IOC_OPEN;
	s->args = &s->open;
	s->open = (struct mbox_open_args){
		.flags = MBOX_NAMED | MBOX_SEND,
		.name = (unsigned long)s->page, .name_len = 9,
	};
}

static void unlink_name(COPIES *self, struct stuck *s)
{
	open_by_name(self, s);
	s->cmd = MBOX_IOC_UNLINK;
	s->open.flags = MBOX_NAMED;
}

static void stat_it(COPIES *self, struct stuck *s)
{
	s->fd = self->h;
	s->cmd = MBOX_IOC_STAT;
	s->args = s->page;
}

static void write_it(COPIES *self, struct stuck *s)
{
	s->fd = self->h;
}

/* All that follow have a type of their own: what is theirs goes to nobody else. */
static void send_it(COPIES *self, struct stuck *s)
{
	static __u64 types = ROOM;

	s->fd = self->h;
	s->cmd = MBOX_IOC_SEND;
	s->args = &s->msg;
	s->msg = (struct mbox_msg_args){
		.flags = MBOX_WAIT_FOREVER,
		.type = ++types,
		.buf = (unsigned long)s->page,
		.len = 8,
	};
}

static void send_from_many(COPIES *self, struct stuck *s)
{
	send_it(self, s);
	s->cmd = MBOX_IOC_SENDV;
	s->args = &s->batch;
	s->batch = (struct mbox_batch_args){ .msgs = (unsigned long)&s->msg, .count = 1 };
}

static void send_files(COPIES *self, struct stuck *s)
{
	send_it(self, s);
	s->ext = (struct mbox_ext){
		.size = sizeof(s->ext), .files = (unsigned long)s->page, .file_count = 1,
	};
	s->msg.buf = (unsigned long)&s->data;
	s->msg.flags |= MBOX_EXT;
	s->msg.ext = (unsigned long)&s->ext;
}

static void receive(COPIES *self, struct stuck *s)
{
	send_it(self, s);
	self->deliveries += !num_send(self->h, s->msg.type, 0, 42);
	s->cmd = MBOX_IOC_RECV;
	s->msg.select = MBOX_SELECT_EQUAL;
}

static void lease(COPIES *self, struct stuck *s)
{
	receive(self, s);
	s->msg.flags |= MBOX_LEASE;
}

static void receive_many(COPIES *self, struct stuck *s)
{
	receive(self, s);
	s->cmd = MBOX_IOC_RECVV;
	s->args = &s->batch;
	s->batch = (struct mbox_batch_args){ .msgs = (unsigned long)&s->msg, .count = 1 };
}

static void serve(COPIES *self, struct stuck *s)
{
	receive(self, s);
	s->cmd = MBOX_IOC_REPLY_RECV;
}

static void call(COPIES *self, struct stuck *s)
{
	send_it(self, s);
	s->cmd = MBOX_IOC_CALL;
	s->msg.reply_buf = (unsigned long)&s->data;
	s->msg.reply_len = 8;
}

static void answer(COPIES *self, struct stuck *s)
{
	__u32 token = 0;

	num_call_async(self->h, self->replies, 7, 8, 42);
	self->deliveries += num_take(self->h, &token) == 42;
	send_it(self, s);
	s->cmd = MBOX_IOC_FINISH;
	s->msg.flags = 0;
	s->msg.type = 0;
	s->msg.select = MBOX_FINISH_REPLY;
	s->msg.id = token;
}

static void (* const operations[])(COPIES *self, struct stuck *s) = {
	create, open_by_name, unlink_name, stat_it, write_it, answer, send_it, send_from_many,
	send_files, receive, lease, receive_many, serve, call,
};

FIXTURE_SETUP(copies)
{
	MB_NEED_DEVICE();
	self->bytes = user_bytes();
	self->dev = mb_device();
	ASSERT_LE(0, self->dev);
	self->h = mb_create_small(ROOM);
	ASSERT_LE(0, self->h);
	self->replies = mb_create_anon();
	ASSERT_LE(0, self->replies);
}

FIXTURE_TEARDOWN(copies)
{
	close(self->replies);
	close(self->h);
	close(self->dev);
	EXPECT_EQ(self->bytes, user_bytes());
}

/* What else may be done with the same mailbox, and with names. */
static void work(struct __test_metadata *_metadata, COPIES *self)
{
	struct mbox_query_args query;
	__u32 token;
	int h;

	h = mb_create_named("stall-not", MB_RW, 0666);
	ASSERT_LE(0, h);
	close(h);
	h = mb_open("stall-not", MBOX_SEND);
	ASSERT_LE(0, h);
	close(h);
	EXPECT_EQ(0, mb_unlink("stall-not"));
	EXPECT_EQ(0, mb_query(&query));

	EXPECT_EQ(self->deliveries, mb_messages(self->h));
	EXPECT_EQ(0, num_send(self->h, 1, 0, 1));
	EXPECT_EQ(1, num_recv_type(self->h, MBOX_SELECT_EQUAL, 1));
	EXPECT_EQ(0, num_call_async(self->h, self->replies, 9, 8, 2));
	EXPECT_EQ(2, num_take(self->h, &token));
	EXPECT_EQ(0, num_reply(self->h, token, 3));
	EXPECT_EQ(3, num_recv_type(self->replies, MBOX_SELECT_EQUAL, 9));
	EXPECT_EQ(0, mb_set_max_messages(self->h, ROOM));
	h = mb_narrow(self->h, MB_RW, 0);
	ASSERT_LE(0, h);
	close(h);
}

TEST_F(copies, that_stall_hold_up_nobody)
{
	struct stuck *s = calloc(ARRAY_SIZE(operations), sizeof(*s));
	unsigned int i;

	ASSERT_NE(NULL, s);
	for (i = 0; i < ARRAY_SIZE(operations); i++) {
		ASSERT_TRUE(stall_init(&s[i].stall));
		s[i].page = s[i].stall.page;
		operations[i](self, &s[i]);
		ASSERT_EQ(0, pthread_create(&s[i].thread, NULL, stuck_main, &s[i]));
		ASSERT_TRUE(stalled(&s[i].stall)) {
			TH_LOG("operation %u", i);
		}
	}
	work(_metadata, self);
	for (i = 0; i < ARRAY_SIZE(operations); i++) {
		ASSERT_TRUE(stall_fault(&s[i].stall));
		pthread_join(s[i].thread, NULL);
		EXPECT_EQ(-EFAULT, s[i].ret) {
			TH_LOG("operation %u", i);
		}
	}
	EXPECT_EQ(self->deliveries, mb_messages(self->h));
	EXPECT_EQ(1, mb_stat_of(self->h).tokens);
}

TEST_HARNESS_MAIN
