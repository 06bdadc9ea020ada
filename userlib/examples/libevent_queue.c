// SPDX-License-Identifier: MIT
/*
 * libevent_queue - receives in a libevent loop, and sends whenever there is room, through a
 * mailbox that is often full.
 */
#include <err.h>
#include <errno.h>
#include <event2/event.h>
#include <mbox.h>
#include <stdio.h>
#include <unistd.h>

#define MESSAGES	300
#define ROOM		4

static struct event_base *loop;
static int sent, received;

/* As many as there is room for; then when it is writable again. */
static void writable(evutil_socket_t out, short what, void *event)
{
	(void)what;
	while (sent < MESSAGES && mbox_timedsend(out, &sent, sizeof(sent), 0) == 0)
		sent++;
	if (sent < MESSAGES && errno != EAGAIN)
		err(1, "mbox_timedsend");
	if (sent == MESSAGES)
		event_del(event);
}

static void readable(evutil_socket_t in, short what, void *arg)
{
	int number;

	(void)what;
	(void)arg;
	while (mbox_timedrecv(in, &number, sizeof(number), 0) >= 0)
		if (number != received++)
			errx(1, "%d came when %d was due", number, received - 1);
	if (errno != EAGAIN)
		err(1, "mbox_timedrecv");
	if (received == MESSAGES)
		event_base_loopbreak(loop);
}

int main(void)
{
	const struct mbox_options options = { .max_messages = ROOM };
	int mb = mbox_create(NULL, MBOX_RECV | MBOX_SEND, &options);
	struct event *in, *out;

	if (mb < 0)
		err(1, "mbox_create");
	loop = event_base_new();
	if (!loop)
		errx(1, "event_base_new");
	in = event_new(loop, mb, EV_READ | EV_PERSIST, readable, NULL);
	out = event_new(loop, mb, EV_WRITE | EV_PERSIST, writable, event_self_cbarg());
	if (!in || !out || event_add(in, NULL) || event_add(out, NULL))
		errx(1, "libevent");
	event_base_dispatch(loop);
	printf("%d messages\n", received);
	event_free(in);
	event_free(out);
	event_base_free(loop);
	close(mb);
	return received != MESSAGES;
}
