// SPDX-License-Identifier: MIT
/*
 * mboxctl create, rm, set: mailboxes with names, and what they are like.
 */
#include <errno.h>
#include <grp.h>
#include <inttypes.h>
#include <pwd.h>
#include <stdlib.h>
#include <string.h>

#include "mboxctl.h"

/* ---- what is asked for, in create and set ---- */

enum {
	KEY_MAX_MESSAGES = 0x100,
	KEY_MAX_BYTES,
	KEY_MAX_MESSAGE_SIZE,
	KEY_DROP,
	KEY_BLOCK,
	KEY_UID,
	KEY_GID,
	KEY_SPIN,
	KEY_LATENCY,
};

static mode_t mode_of(struct argp_state *state, const char *arg)
{
	char *end;
	unsigned long mode = strtoul(arg, &end, 8);

	if (end == arg || *end || mode > 0777)
		argp_error(state, "mode: %s, but it must be octal, 0 to 777", arg);
	return (mode_t)mode;
}

static error_t property_parse(int key, char *arg, struct argp_state *state)
{
	struct mbox_set *set = state->input;

	switch (key) {
	case 'm':
		set->mask |= MBOX_SET_MODE;
		set->mode = mode_of(state, arg);
		return 0;
	case KEY_MAX_MESSAGES:
		set->mask |= MBOX_SET_MAX_MESSAGES;
		set->max_messages = (uint32_t)number(state, "max-messages", arg, UINT32_MAX);
		return 0;
	case KEY_MAX_BYTES:
		set->mask |= MBOX_SET_MAX_BYTES;
		set->max_bytes = number(state, "max-bytes", arg, UINT64_MAX);
		return 0;
	case KEY_MAX_MESSAGE_SIZE:
		set->mask |= MBOX_SET_MAX_MESSAGE_SIZE;
		set->max_message_size = (uint32_t)number(state, "max-message-size", arg,
							 UINT32_MAX);
		return 0;
	case KEY_DROP:
		set->mask |= MBOX_SET_OVERFLOW;
		set->overflow = MBOX_OVERFLOW_DROP;
		return 0;
	default:
		return ARGP_ERR_UNKNOWN;
	}
}

static const struct argp_option property_options[] = {
	{ "mode", 'm', "MODE", 0, "who may receive (r) and send (w), in octal", 0 },
	{ "max-messages", KEY_MAX_MESSAGES, "N", 0, "messages that it holds at most", 0 },
	{ "max-bytes", KEY_MAX_BYTES, "N", 0, "bytes of payload, likewise", 0 },
	{ "max-message-size", KEY_MAX_MESSAGE_SIZE, "N", 0, "bytes of one payload", 0 },
	{ "drop", KEY_DROP, NULL, 0, "when it is full, drop the least urgent, oldest first", 0 },
	{ 0 }
};

static const struct argp property_argp = {
	property_options, property_parse, NULL, NULL, NULL, NULL, NULL
};

static const struct argp_child property_child[] = { { &property_argp, 0, NULL, 0 }, { 0 } };

/* Which of the limits that were asked for are beyond what may be. */
static void hint_limits(const struct mbox_set *set)
{
	struct mbox_query q;

	if (mbox_query(&q))
		return;
	if (set->max_messages > q.ceiling_max_messages)
		fprintf(stderr, "  at most %" PRIu32 " messages; more: "
			"/sys/module/mbox/parameters/max_messages\n", q.ceiling_max_messages);
	if (set->max_bytes > q.ceiling_max_bytes)
		fprintf(stderr, "  at most %" PRIu64 " bytes; more: "
			"/sys/module/mbox/parameters/max_bytes\n", q.ceiling_max_bytes);
	if (set->max_message_size > q.ceiling_max_message_size)
		fprintf(stderr, "  at most %" PRIu32 " bytes a message; more: "
			"/sys/module/mbox/parameters/max_message_size\n",
			q.ceiling_max_message_size);
	if (set->max_bytes && set->max_message_size > set->max_bytes)
		fputs("  the largest message must fit\n", stderr);
}

/* ---- create ---- */

struct create {
	struct target target;
	struct mbox_set set;
	unsigned int type_source, flags;
};

static unsigned int type_source_of(struct argp_state *state, const char *arg)
{
	static const char * const types[] = { "sender", "pid", "badge" };
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(types); i++)
		if (!strcmp(types[i], arg))
			return i;
	argp_error(state, "types from: %s, but it must be sender, pid or badge", arg);
	return 0;
}

static error_t create_parse(int key, char *arg, struct argp_state *state)
{
	struct create *c = state->input;

	switch (key) {
	case ARGP_KEY_INIT:
		state->child_inputs[0] = &c->set;
		return 0;
	case 'x':
		c->flags |= MBOX_EXCL;
		return 0;
	case 'T':
		c->type_source = type_source_of(state, arg);
		return 0;
	case ARGP_KEY_ARG:
		target_argument(state, &c->target, arg);
		return 0;
	case ARGP_KEY_END:
		target_check(state, &c->target);
		/* Of the library's options, 0 is the default. */
		if ((c->set.mask & MBOX_SET_MODE) && !c->set.mode)
			argp_error(state, "mode 0 lets nobody in: set it afterwards");
		return 0;
	default:
		return ARGP_ERR_UNKNOWN;
	}
}

int cmd_create(int argc, char **argv)
{
	static const struct argp_option options[] = {
		{ "types", 'T', "WHO", 0,
		  "the type of a message is what the sender says (sender), its process id "
		  "(pid) or the badge of its handle (badge)", 0 },
		{ "exclusive", 'x', NULL, 0, "fail if it exists", 0 },
		{ 0 }
	};
	static const struct argp argp = {
		options, create_parse, "NAME",
		"Creates a mailbox; one that exists stays as it is. It stays until mboxctl rm. "
		"What is not said is as the module has it (mboxctl doctor).",
		property_child, NULL, NULL
	};
	struct create c = { .flags = MBOX_RECV | MBOX_SEND };
	struct mbox_options o;
	int error;

	argp_parse(&argp, argc, argv, 0, NULL, &c);
	o = (struct mbox_options){
		.mode = c.set.mode,
		.type_source = c.type_source,
		.overflow = c.set.overflow,
		.max_messages = c.set.max_messages,
		.max_bytes = c.set.max_bytes,
		.max_message_size = c.set.max_message_size,
	};
	if (mbox_create(c.target.name, c.flags, &o) >= 0)
		return STATUS_OK;
	error = errno;
	refuse(error, "cannot create", &c.target);
	if (error == EINVAL)
		hint_limits(&c.set);
	return STATUS_FAILED;
}

/* ---- rm ---- */

struct rm {
	struct target process;
	char **names;
	int count;
};

static error_t rm_parse(int key, char *arg, struct argp_state *state)
{
	struct rm *rm = state->input;

	switch (key) {
	case 'P':
		target_process(state, &rm->process, arg);
		return 0;
	case ARGP_KEY_ARGS:
		rm->names = state->argv + state->next;
		rm->count = state->argc - state->next;
		return 0;
	case ARGP_KEY_END:
		if (!rm->process.pid == !rm->count)
			argp_error(state, "names, or a process");
		return 0;
	default:
		return ARGP_ERR_UNKNOWN;
	}
}

static int rm_one(const struct target *t)
{
	if (t->pid ? mbox_unlink_pid(t->pid) : mbox_unlink(t->name))
		return refuse(errno, "cannot remove", t);
	return STATUS_OK;
}

int cmd_rm(int argc, char **argv)
{
	static const struct argp_option options[] = { TARGET_OPTION, { 0 } };
	static const struct argp argp = {
		options, rm_parse, "NAME...",
		"Takes the names of mailboxes away. Whoever has one open can go on; when nobody "
		"can receive from it any more, what it holds is freed.", NULL, NULL, NULL
	};
	struct rm rm = { 0 };
	int i, ret, status;

	argp_parse(&argp, argc, argv, 0, NULL, &rm);
	status = rm.process.pid ? rm_one(&rm.process) : STATUS_OK;
	for (i = 0; i < rm.count; i++) {
		ret = rm_one(&(struct target){ .name = rm.names[i] });
		status = ret ? ret : status;
	}
	return status;
}

/* ---- set ---- */

struct set {
	struct target target;
	struct mbox_set set;
};

static error_t set_parse(int key, char *arg, struct argp_state *state)
{
	const struct passwd *user;
	const struct group *group;
	struct set *s = state->input;

	switch (key) {
	case ARGP_KEY_INIT:
		state->child_inputs[0] = &s->set;
		return 0;
	case KEY_BLOCK:
		s->set.mask |= MBOX_SET_OVERFLOW;
		s->set.overflow = MBOX_OVERFLOW_BLOCK;
		return 0;
	case KEY_SPIN:
		s->set.mask |= MBOX_SET_SPIN;
		s->set.spin = (uint32_t)number(state, "spin", arg, MBOX_SPIN_MAX);
		return 0;
	case KEY_LATENCY:
		s->set.mask |= MBOX_SET_LATENCY;
		s->set.latency = !strcmp(arg, "on");
		if (!s->set.latency && strcmp(arg, "off") != 0)
			argp_error(state, "latency: on or off, not %s", arg);
		return 0;
	case KEY_UID:
		user = getpwnam(arg);
		s->set.mask |= MBOX_SET_UID;
		s->set.uid = user ? user->pw_uid : (uid_t)number(state, "user", arg, UINT32_MAX);
		return 0;
	case KEY_GID:
		group = getgrnam(arg);
		s->set.mask |= MBOX_SET_GID;
		s->set.gid = group ? group->gr_gid :
				     (gid_t)number(state, "group", arg, UINT32_MAX);
		return 0;
	case 'P':
		target_process(state, &s->target, arg);
		return 0;
	case ARGP_KEY_ARG:
		target_argument(state, &s->target, arg);
		return 0;
	case ARGP_KEY_END:
		target_check(state, &s->target);
		if (!s->set.mask)
			argp_error(state, "what is to be changed?");
		return 0;
	default:
		return ARGP_ERR_UNKNOWN;
	}
}

int cmd_set(int argc, char **argv)
{
	static const struct argp_option options[] = {
		{ "block", KEY_BLOCK, NULL, 0, "when it is full, who sends waits", 0 },
		{ "owner", KEY_UID, "USER", 0, "give it to another user", 0 },
		{ "group", KEY_GID, "GROUP", 0, "or group", 0 },
		{ "spin", KEY_SPIN, "NS", 0, "who waits spins so long before sleeping", 0 },
		{ "latency", KEY_LATENCY, "on|off", 0,
		  "count how long messages wait to be received, for stat to show", 0 },
		TARGET_OPTION,
		{ 0 }
	};
	static const struct argp argp = {
		options, set_parse, "NAME",
		"Changes a mailbox: all that is asked for, or nothing. What it holds stays there "
		"when a limit falls below it.", property_child, NULL, NULL
	};
	struct set s = { 0 };
	const struct mbox_set *set = &s.set;
	int error;

	argp_parse(&argp, argc, argv, 0, NULL, &s);
	if (!mbox_set(target_open_any(&s.target), set))
		return STATUS_OK;
	error = errno;
	refuse(error, "cannot change", &s.target);
	if (error == EINVAL)
		hint_limits(set);
	return STATUS_FAILED;
}
