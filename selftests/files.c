// SPDX-License-Identifier: GPL-2.0-only OR MIT
/*
 * Files in messages: how they are sent, received and closed. Which kinds may be
 * sent is in files_kinds.c, what happens when nobody can receive in
 * files_lost.c, that nothing lives on by itself in files_cycle.c.
 */
#include "mbox_files.h"

#include <linux/kcmp.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/uio.h>

static bool same_file(int a, int b)
{
	pid_t pid = getpid();

	return !syscall(SYS_kcmp, pid, pid, KCMP_FILE, a, b);
}

FIXTURE(mailbox) {
	int h;
	int fds[MBOX_FILES_MAX + 1];	/* files */
	int count;			/* of descriptors */
	struct files in;
};

FIXTURE_SETUP(mailbox)
{
	unsigned int i;

	MB_NEED_DEVICE();
	self->h = mb_create_anon();
	ASSERT_LE(0, self->h);
	for (i = 0; i < ARRAY_SIZE(self->fds); i++) {
		self->fds[i] = syscall(SYS_memfd_create, "file", 1);
		ASSERT_LE(0, self->fds[i]);
	}
	self->count = fd_count();
}

FIXTURE_TEARDOWN(mailbox)
{
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(self->fds); i++)
		close(self->fds[i]);
	close(self->h);
	EXPECT_EQ(0, user_files());
}

TEST_F(mailbox, query_tells_that_there_are_files)
{
	struct mbox_query_args query;

	ASSERT_EQ(0, mb_query(&query));
	EXPECT_TRUE(query.features & MBOX_FEATURE_FILES);
	EXPECT_EQ(1024, query.user_max_files);
	EXPECT_EQ(0, query.user_files);
}

TEST_F(mailbox, a_file_arrives_with_its_message)
{
	ASSERT_EQ(0, file_send(self->h, self->fds[0]));
	ASSERT_EQ(0, files_recv(self->h, &self->in, 1));
	EXPECT_EQ(1, self->in.ext.out_file_count);
	EXPECT_EQ(5, self->in.args.out_len);
	EXPECT_EQ(0, memcmp(self->in.buf, "files", 5));
	EXPECT_EQ(0, self->in.args.out_flags);
	EXPECT_NE(self->fds[0], self->in.fds[0]);
	EXPECT_TRUE(same_file(self->fds[0], self->in.fds[0]));
	EXPECT_TRUE(file_untouched(self->in.fds[1]));
	EXPECT_EQ(self->count + 1, fd_count());
	close(self->in.fds[0]);
}

TEST_F(mailbox, descriptors_are_close_on_exec)
{
	fcntl(self->fds[0], F_SETFD, 0);
	ASSERT_EQ(0, file_send(self->h, self->fds[0]));
	ASSERT_EQ(0, files_recv(self->h, &self->in, 1));
	EXPECT_EQ(FD_CLOEXEC, fcntl(self->in.fds[0], F_GETFD));
	EXPECT_EQ(0, fcntl(self->fds[0], F_GETFD));
	close(self->in.fds[0]);
}

TEST_F(mailbox, sixteen_files_arrive_in_order)
{
	int i;

	ASSERT_EQ(0, files_send(self->h, self->fds, MBOX_FILES_MAX));
	EXPECT_EQ(MBOX_FILES_MAX, user_files());
	ASSERT_EQ(0, files_recv(self->h, &self->in, MBOX_FILES_MAX));
	EXPECT_EQ(0, user_files());
	ASSERT_EQ(MBOX_FILES_MAX, self->in.ext.out_file_count);
	EXPECT_TRUE(file_untouched(self->in.fds[MBOX_FILES_MAX]));
	for (i = 0; i < MBOX_FILES_MAX; i++) {
		EXPECT_TRUE(same_file(self->fds[i], self->in.fds[i]));
		close(self->in.fds[i]);
	}
	EXPECT_EQ(self->count, fd_count());
}

TEST_F(mailbox, one_file_may_be_sent_several_times)
{
	const int twice[] = { self->fds[3], self->fds[3] };

	ASSERT_EQ(0, files_send(self->h, twice, 2));
	ASSERT_EQ(0, file_send(self->h, self->fds[3]));
	ASSERT_EQ(0, files_recv(self->h, &self->in, 2));
	EXPECT_TRUE(same_file(self->fds[3], self->in.fds[0]));
	EXPECT_TRUE(same_file(self->fds[3], self->in.fds[1]));
	close(self->in.fds[0]);
	close(self->in.fds[1]);
	EXPECT_LE(0, self->in.fds[0] = file_recv(self->h));
	close(self->in.fds[0]);
}

TEST_F(mailbox, more_room_than_files_is_fine)
{
	ASSERT_EQ(0, files_send(self->h, self->fds, 2));
	files_init(&self->in, 2);
	self->in.ext.file_count = ~0U;
	ASSERT_EQ(0, mb_recv(self->h, &self->in.args));
	EXPECT_EQ(2, self->in.ext.out_file_count);
	EXPECT_TRUE(file_untouched(self->in.fds[2]));
	close(self->in.fds[0]);
	close(self->in.fds[1]);
}

TEST_F(mailbox, a_message_without_files_says_so)
{
	ASSERT_EQ(0, mb_put(self->h, "x", 1));
	ASSERT_EQ(0, files_recv(self->h, &self->in, MBOX_FILES_MAX));
	EXPECT_EQ(0, self->in.ext.out_file_count);
	EXPECT_EQ(0, self->in.args.out_flags);
	EXPECT_TRUE(file_untouched(self->in.fds[0]));
	/* The same with an extension that asks for none. */
	ASSERT_EQ(0, files_send(self->h, NULL, 0));
	ASSERT_EQ(0, files_recv(self->h, &self->in, 0));
	EXPECT_EQ(0, self->in.ext.out_file_count);
	EXPECT_EQ(0, self->in.args.out_flags);
	EXPECT_EQ(self->count, fd_count());
}

TEST_F(mailbox, files_go_with_payloads_in_pieces_and_with_none)
{
	const struct iovec out[] = { { "ab", 2 }, { "cd", 2 } };
	struct iovec in[] = { { self->in.buf, 1 }, { self->in.buf + 8, 8 } };
	struct mbox_msg_args args = { .flags = MBOX_WAIT_NONE | MBOX_EXT };
	struct mbox_ext ext = {
		.size = sizeof(ext),
		.iov_count = 2,
		.iov = (unsigned long)out,
		.files = (unsigned long)self->fds,
		.file_count = 1,
	};

	args.ext = (unsigned long)&ext;
	ASSERT_EQ(0, mb_send(self->h, &args));
	ext.iov = (unsigned long)in;
	ext.files = (unsigned long)self->in.fds;
	ASSERT_EQ(0, mb_recv(self->h, &args));
	EXPECT_EQ(4, args.out_len);
	EXPECT_EQ(0, memcmp(self->in.buf + 8, "bcd", 3));
	EXPECT_EQ(1, ext.out_file_count);
	close(self->in.fds[0]);

	ext.iov_count = 0;
	ext.iov = 0;
	ext.files = (unsigned long)self->fds;
	ASSERT_EQ(0, mb_send(self->h, &args));
	ext.files = (unsigned long)self->in.fds;
	ASSERT_EQ(0, mb_recv(self->h, &args));
	EXPECT_EQ(0, args.out_len);
	EXPECT_TRUE(same_file(self->fds[0], self->in.fds[0]));
	close(self->in.fds[0]);
}

TEST_F(mailbox, files_outlive_those_who_sent_them)
{
	int ret, p = pipe_send(self->h, &ret);

	ASSERT_EQ(0, ret);
	EXPECT_TRUE(pipe_open(p));
	EXPECT_LE(0, ret = file_recv(self->h));
	EXPECT_TRUE(pipe_open(p));
	EXPECT_EQ(1, write(ret, "x", 1));
	close(ret);
	EXPECT_EQ(1, read(p, self->in.buf, 1));
	EXPECT_TRUE(pipe_closed(p));
	close(p);
}

static void send_one_and_leave(struct __test_metadata *_metadata, void *arg)
{
	int *h = arg;
	int fd = syscall(SYS_memfd_create, "child", 1);

	EXPECT_EQ(5, write(fd, "child", 5));
	EXPECT_EQ(0, file_send(*h, fd));
}

TEST_F(mailbox, files_come_from_a_process_that_has_gone)
{
	int fd;

	ASSERT_EQ(0, mb_run_as(_metadata, MB_USER, send_one_and_leave, &self->h));
	fd = file_recv(self->h);
	ASSERT_LE(0, fd);
	EXPECT_EQ(5, pread(fd, self->in.buf, 8, 0));
	close(fd);
}

/* ---- those who wait ---- */

static struct peer *peer_files(int h, struct files *f, __u32 room)
{
	struct peer *p = peer_recv(h);

	files_init(f, room);
	p->args = f->args;
	p->args.flags = MBOX_WAIT_FOREVER | MBOX_EXT;
	mb_poison(&p->args);
	return p;
}

TEST_F(mailbox, who_waits_gets_files_in_its_own_table)
{
	struct peer *thread = peer_files(self->h, &self->in, 2);
	int ret, p;

	ASSERT_TRUE(peer_blocks(thread));
	ASSERT_EQ(0, files_send(self->h, self->fds, 2));
	EXPECT_EQ(0, peer_join(thread));
	EXPECT_TRUE(same_file(self->fds[1], self->in.fds[1]));
	close(self->in.fds[0]);
	close(self->in.fds[1]);

	thread = peer_files(self->h, &self->in, 1);
	ASSERT_TRUE(peer_fork_blocks(thread));
	p = pipe_send(self->h, &ret);
	ASSERT_EQ(0, ret);
	EXPECT_EQ(0, peer_join(thread));
	EXPECT_TRUE(wait_until(pipe_closed(p)));
	close(p);
	EXPECT_EQ(self->count, fd_count());
}

TEST_F(mailbox, who_waits_with_too_little_room_learns_so_and_the_next_is_served)
{
	struct files small;
	struct peer *few = peer_files(self->h, &small, 1);
	struct peer *many = peer_files(self->h, &self->in, 3);

	ASSERT_TRUE(peer_blocks(few));
	ASSERT_TRUE(peer_blocks(many));
	ASSERT_EQ(0, files_send(self->h, self->fds, 3));
	EXPECT_EQ(-EMSGSIZE, peer_join(few));
	EXPECT_EQ(3, small.ext.out_file_count);
	EXPECT_EQ(5, few->args.out_len);
	EXPECT_TRUE(file_untouched(small.fds[0]));
	EXPECT_EQ(0, peer_join(many));
	EXPECT_EQ(3, self->in.ext.out_file_count);
	EXPECT_EQ(self->count + 3, fd_count());
}

/* Who has no room for it does not count as one who takes it. */
TEST_F(mailbox, a_full_mailbox_is_not_passed_by_for_who_has_no_room)
{
	struct peer *few;
	int h = mb_create_small(1);

	ASSERT_LE(0, h);
	ASSERT_EQ(0, num_send(h, 1, 0, 7));
	few = peer_files(h, &self->in, 1);
	few->args.select = MBOX_SELECT_EQUAL;
	few->args.type = 0;
	ASSERT_TRUE(peer_blocks(few));
	EXPECT_EQ(-EAGAIN, files_send(h, self->fds, 2));
	EXPECT_EQ(0, file_send(h, self->fds[0]));
	EXPECT_EQ(0, peer_join(few));
	close(h);
}

/* ---- failures lose nothing ---- */

TEST_F(mailbox, too_little_room_tells_how_many_and_leaves_the_message)
{
	ASSERT_EQ(0, files_send(self->h, self->fds, 3));
	EXPECT_EQ(-EMSGSIZE, files_recv(self->h, &self->in, 2));
	EXPECT_EQ(3, self->in.ext.out_file_count);
	EXPECT_EQ(5, self->in.args.out_len);
	EXPECT_TRUE(file_untouched(self->in.fds[0]));
	EXPECT_EQ(self->count, fd_count());
	EXPECT_EQ(1, mb_messages(self->h));

	/* To cut the payload is not to lose files. */
	files_init(&self->in, 2);
	self->in.args.flags |= MBOX_TRUNCATE;
	self->in.args.len = 1;
	EXPECT_EQ(-EMSGSIZE, mb_recv(self->h, &self->in.args));
	EXPECT_EQ(3, self->in.ext.out_file_count);

	ASSERT_EQ(0, files_recv(self->h, &self->in, 3));
	EXPECT_EQ(3, self->in.ext.out_file_count);
	EXPECT_EQ(self->count + 3, fd_count());
}

TEST_F(mailbox, a_buffer_too_small_tells_the_number_of_files_too)
{
	ASSERT_EQ(0, files_send(self->h, self->fds, 3));
	files_init(&self->in, 16);
	self->in.args.len = 4;
	EXPECT_EQ(-EMSGSIZE, mb_recv(self->h, &self->in.args));
	EXPECT_EQ(5, self->in.args.out_len);
	EXPECT_EQ(3, self->in.ext.out_file_count);
	EXPECT_TRUE(file_untouched(self->in.fds[0]));
	EXPECT_EQ(1, mb_messages(self->h));
}

TEST_F(mailbox, too_few_descriptors_leave_the_message)
{
	struct rlimit before, limit;
	int lowest = dup(self->h);

	close(lowest);
	ASSERT_EQ(0, getrlimit(RLIMIT_NOFILE, &before));
	ASSERT_EQ(0, files_send(self->h, self->fds, 3));
	limit = before;
	limit.rlim_cur = lowest + 2;	/* the third is one too many */
	ASSERT_EQ(0, setrlimit(RLIMIT_NOFILE, &limit));
	EXPECT_EQ(-EMFILE, files_recv(self->h, &self->in, 16));
	EXPECT_TRUE(mb_poisoned(&self->in.args));
	EXPECT_EQ(0xcccccccc, self->in.ext.out_file_count);
	ASSERT_EQ(0, setrlimit(RLIMIT_NOFILE, &before));
	EXPECT_EQ(self->count, fd_count());
	EXPECT_EQ(1, mb_messages(self->h));
	ASSERT_EQ(0, files_recv(self->h, &self->in, 16));
	EXPECT_EQ(3, self->in.ext.out_file_count);
	EXPECT_TRUE(same_file(self->fds[2], self->in.fds[2]));
}

TEST_F(mailbox, a_bad_array_leaves_the_message_and_no_descriptor)
{
	char *end = mb_page_end();

	ASSERT_EQ(0, files_send(self->h, self->fds, 3));
	files_init(&self->in, 3);
	self->in.ext.files = 0;
	EXPECT_EQ(-EFAULT, mb_recv(self->h, &self->in.args));
	self->in.ext.files = (unsigned long)end - 8;	/* holds two */
	EXPECT_EQ(-EFAULT, mb_recv(self->h, &self->in.args));
	EXPECT_TRUE(mb_poisoned(&self->in.args));
	EXPECT_EQ(self->count, fd_count());
	EXPECT_EQ(1, mb_messages(self->h));
	ASSERT_EQ(0, files_recv(self->h, &self->in, 3));
	EXPECT_EQ(3, self->in.ext.out_file_count);
}

TEST_F(mailbox, a_struct_that_cannot_be_written_leaves_the_message)
{
	long page = sysconf(_SC_PAGESIZE);
	char *ro = mb_page_end() - page;
	struct mbox_ext *ext = (void *)ro;
	struct mbox_msg_args *args = (void *)(ro + 512);
	struct files good;

	ASSERT_EQ(0, files_send(self->h, self->fds, 3));
	files_init(&good, 3);
	*ext = good.ext;
	*args = good.args;
	args->ext = (unsigned long)&good.ext;
	good.args.ext = (unsigned long)ext;
	ASSERT_EQ(0, mprotect(ro, page, PROT_READ));
	EXPECT_EQ(-EFAULT, mb_recv(self->h, &good.args));
	EXPECT_EQ(self->count, fd_count());
	EXPECT_EQ(-EFAULT, mb_ioctl(self->h, MBOX_IOC_RECV, args));
	EXPECT_EQ(self->count, fd_count());
	EXPECT_EQ(1, mb_messages(self->h));
	ASSERT_EQ(0, files_recv(self->h, &good, 3));
	EXPECT_EQ(3, good.ext.out_file_count);
}

/* ---- who does not want them ---- */

TEST_F(mailbox, who_asks_for_none_is_told_that_they_were_closed)
{
	int ret, p = pipe_send(self->h, &ret);

	ASSERT_EQ(0, files_recv(self->h, &self->in, 0));
	EXPECT_EQ(0, self->in.ext.out_file_count);
	EXPECT_EQ(MBOX_MSG_FILES_LOST, self->in.args.out_flags);
	EXPECT_TRUE(pipe_closed(p));
	close(p);

	p = pipe_send(self->h, &ret);
	self->in.args.flags = MBOX_WAIT_NONE;	/* without an extension */
	self->in.args.ext = 0;
	ASSERT_EQ(0, mb_recv(self->h, &self->in.args));
	EXPECT_EQ(MBOX_MSG_FILES_LOST, self->in.args.out_flags);
	EXPECT_TRUE(pipe_closed(p));
	EXPECT_EQ(0, user_files());
	close(p);
}

TEST_F(mailbox, read_closes_them)
{
	int ret, p = pipe_send(self->h, &ret);

	EXPECT_EQ(5, mb_read(self->h, self->in.buf, 64));
	EXPECT_TRUE(pipe_closed(p));
	EXPECT_EQ(self->count + 1, fd_count());
	close(p);
}

TEST_F(mailbox, peek_takes_no_files_and_needs_no_room)
{
	ASSERT_EQ(0, files_send(self->h, self->fds, 3));
	files_init(&self->in, 1);
	self->in.args.flags |= MBOX_PEEK;
	ASSERT_EQ(0, mb_recv(self->h, &self->in.args));
	EXPECT_EQ(0, self->in.ext.out_file_count);
	EXPECT_EQ(0, self->in.args.out_flags);
	EXPECT_TRUE(file_untouched(self->in.fds[0]));
	EXPECT_EQ(self->count, fd_count());
	ASSERT_EQ(0, files_recv(self->h, &self->in, 3));
	EXPECT_EQ(3, self->in.ext.out_file_count);
}

TEST_F(mailbox, who_waits_to_peek_takes_no_files)
{
	struct peer *peeker = peer_files(self->h, &self->in, 1);
	struct files f;

	peeker->args.flags |= MBOX_PEEK;
	ASSERT_TRUE(peer_blocks(peeker));
	ASSERT_EQ(0, files_send(self->h, self->fds, 3));
	EXPECT_EQ(0, peer_join(peeker));
	EXPECT_EQ(0, self->in.ext.out_file_count);
	ASSERT_EQ(0, files_recv(self->h, &f, 3));
	EXPECT_EQ(3, f.ext.out_file_count);
}

/* ---- what is sent ---- */

TEST_F(mailbox, send_refuses_what_is_no_file)
{
	const int bad[][2] = {
		{ self->fds[0], -1 }, { self->fds[0], 1 << 20 },
		{ -2, self->fds[0] }, { self->fds[0], self->fds[1] },
	};
	unsigned int i;

	close(self->fds[1]);
	for (i = 0; i < ARRAY_SIZE(bad); i++)
		EXPECT_EQ(-EBADF, files_send(self->h, bad[i], 2));
	self->fds[1] = open("/", O_PATH | O_CLOEXEC);
	EXPECT_EQ(-EBADF, file_send(self->h, self->fds[1]));
	EXPECT_EQ(0, mb_messages(self->h));
	EXPECT_EQ(0, user_files());
}

TEST_F(mailbox, send_refuses_more_than_sixteen)
{
	EXPECT_EQ(-EINVAL, files_send(self->h, self->fds, 17));
	EXPECT_EQ(-EINVAL, files_send(self->h, self->fds, ~0U));
	EXPECT_EQ(-EINVAL, files_send(self->h, NULL, 17));
	EXPECT_EQ(0, mb_messages(self->h));
}

TEST_F(mailbox, send_refuses_a_bad_array)
{
	int *end = (int *)mb_page_end();

	EXPECT_EQ(-EFAULT, files_send(self->h, NULL, 1));
	end[-1] = self->fds[0];
	EXPECT_EQ(-EFAULT, files_send(self->h, end - 1, 2));
	EXPECT_EQ(0, files_send(self->h, end - 1, 1));
}

/* Whatever makes a send fail, the files are not held any longer. */
TEST_F(mailbox, a_send_that_fails_holds_no_file)
{
	struct mbox_ext ext = { .file_count = 1 };
	struct mbox_msg_args args = {
		.flags = MBOX_WAIT_NONE | MBOX_EXT,
		.ext = (unsigned long)&ext,
	};
	int p[2], h = mb_create_small(1);

	ASSERT_LE(0, h);
	ASSERT_EQ(0, pipe2(p, O_CLOEXEC | O_NONBLOCK));
	ext.size = sizeof(ext);
	ext.files = (unsigned long)&p[1];
	args.buf = 1;			/* faults */
	args.len = 5;
	EXPECT_EQ(-EFAULT, mb_send(h, &args));
	args.len = 2 << 20;		/* too long */
	EXPECT_EQ(-EMSGSIZE, mb_send(h, &args));
	args.buf = 0;
	args.len = 0;
	ASSERT_EQ(0, mb_put(h, "x", 1));
	EXPECT_EQ(-EAGAIN, mb_send(h, &args));
	args.flags = MBOX_WAIT_UNTIL | MBOX_EXT;
	args.deadline = mb_in(NSEC_PER_MSEC);
	EXPECT_EQ(-ETIMEDOUT, mb_send(h, &args));
	EXPECT_EQ(0, user_files());
	close(p[1]);
	EXPECT_TRUE(pipe_closed(p[0]));
	close(p[0]);
	close(h);
}

TEST_F(mailbox, a_dropped_message_closes_its_files)
{
	struct mbox_create_args create = {
		.flags = MB_RW,
		.max_messages = 1,
		.overflow = MBOX_OVERFLOW_DROP,
	};
	int ret, p, h = mb_create(&create);

	ASSERT_LE(0, h);
	p = pipe_send(h, &ret);
	ASSERT_EQ(0, ret);
	EXPECT_TRUE(pipe_open(p));
	EXPECT_EQ(0, mb_put(h, "y", 1));
	EXPECT_TRUE(pipe_closed(p));
	EXPECT_EQ(0, user_files());
	close(p);
	close(h);
}

TEST_F(mailbox, write_and_plain_sends_carry_none)
{
	EXPECT_EQ(1, mb_write(self->h, "x", 1));
	ASSERT_EQ(0, files_recv(self->h, &self->in, 16));
	EXPECT_EQ(0, self->in.ext.out_file_count);
	EXPECT_EQ(MBOX_MSG_OPENER, self->in.args.out_flags);
}

/* A handle that is received is what it was: its rights, its badge. */
TEST_F(mailbox, a_handle_that_is_received_can_send)
{
	int badged = mb_narrow(self->h, MBOX_SEND, 0);
	int other = mb_create_anon();
	int label, fd;

	ASSERT_LE(0, badged);
	label = mb_ioctl(self->h, MBOX_IOC_NARROW, &(struct mbox_narrow_args){
		.flags = MBOX_SEND | MBOX_BADGE, .badge = 77 });
	ASSERT_LE(0, label);
	ASSERT_EQ(0, file_send(other, label));
	close(label);
	fd = file_recv(other);
	ASSERT_LE(0, fd);
	EXPECT_EQ(0, mb_put(fd, "x", 1));
	EXPECT_EQ(-EBADF, mb_get(fd, self->in.buf, 8));
	ASSERT_EQ(0, files_recv(self->h, &self->in, 0));
	EXPECT_EQ(77, self->in.args.out_badge);
	close(fd);
	close(other);
	close(badged);
}

TEST_HARNESS_MAIN
