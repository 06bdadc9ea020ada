/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Tracepoints: what happens to mailboxes and their messages, for perf, trace-cmd, bpftrace
 * and mboxctl monitor. Documented in mbox.rst; what changes there breaks people's scripts.
 * Pids are those of the initial namespace, names are escaped as in /proc/net/mbox.
 */
#undef TRACE_SYSTEM
#define TRACE_SYSTEM mbox

#if !defined(MBX_TRACE_H) || defined(TRACE_HEADER_MULTI_READ)
#define MBX_TRACE_H

#include <linux/pid.h>
#include <linux/string_helpers.h>
#include <linux/tracepoint.h>

#include "call.h"
#include "mailbox.h"
#include "message.h"

TRACE_DEFINE_ENUM(MBX_OP_SEND);
TRACE_DEFINE_ENUM(MBX_OP_RECEIVE);
TRACE_DEFINE_ENUM(MBX_OP_CALL);

#define mbx_escape(name, len, to, size) \
	string_escape_mem(name, len, to, size, ESCAPE_OCTAL | ESCAPE_NAP | ESCAPE_APPEND, " \\")

#define mbx_op_names \
	{ MBX_OP_SEND, "send" }, { MBX_OP_RECEIVE, "receive" }, { MBX_OP_CALL, "call" }

TRACE_EVENT(mbox_create,
	TP_PROTO(const struct mbx_mailbox *mb),
	TP_ARGS(mb),
	TP_STRUCT__entry(
		__field(u64, mailbox)
		__field(u64, max_bytes)
		__field(u32, max_messages)
		__field(u32, max_message_size)
		__field(u32, uid)
		__field(u16, mode)
	),
	TP_fast_assign(
		__entry->mailbox = mb->id;
		__entry->max_bytes = mb->max_bytes;
		__entry->max_messages = mb->max_messages;
		__entry->max_message_size = mb->max_message_size;
		__entry->uid = from_kuid_munged(&init_user_ns, mb->uid);
		__entry->mode = mb->mode;
	),
	TP_printk("mailbox=%llu uid=%u mode=%04o max_messages=%u max_bytes=%llu max_message_size=%u",
		  __entry->mailbox, __entry->uid, __entry->mode, __entry->max_messages,
		  __entry->max_bytes, __entry->max_message_size)
);

/* The last one who could use it is gone, and so are its messages. */
TRACE_EVENT(mbox_free,
	TP_PROTO(const struct mbx_mailbox *mb),
	TP_ARGS(mb),
	TP_STRUCT__entry(
		__field(u64, mailbox)
		__field(u64, sent)
		__field(u64, received)
		__field(u64, drops)
	),
	TP_fast_assign(
		__entry->mailbox = mb->id;
		__entry->sent = mb->sent;
		__entry->received = mb->received;
		__entry->drops = mb->drops;
	),
	TP_printk("mailbox=%llu sent=%llu received=%llu drops=%llu", __entry->mailbox,
		  __entry->sent, __entry->received, __entry->drops)
);

/* Found by its name, or by the process whose own it is: then the name is empty. */
DECLARE_EVENT_CLASS(mbox_key,
	TP_PROTO(const struct mbx_mailbox *mb, const char *name, unsigned int len,
		 struct pid *pid),
	TP_ARGS(mb, name, len, pid),
	TP_STRUCT__entry(
		__field(u64, mailbox)
		__field(pid_t, pid)
		__dynamic_array(char, name, mbx_escape(name, len, NULL, 0) + 1)
	),
	TP_fast_assign(
		char *to = __get_str(name);

		__entry->mailbox = mb->id;
		__entry->pid = pid_nr(pid);
		to[mbx_escape(name, len, to, __get_dynamic_array_len(name))] = '\0';
	),
	TP_printk("mailbox=%llu name=%s pid=%d", __entry->mailbox, __get_str(name),
		  __entry->pid)
);

/* From now on it can be found. */
DEFINE_EVENT(mbox_key, mbox_publish,
	TP_PROTO(const struct mbx_mailbox *mb, const char *name, unsigned int len,
		 struct pid *pid),
	TP_ARGS(mb, name, len, pid)
);

/* No longer. */
DEFINE_EVENT(mbox_key, mbox_unlink,
	TP_PROTO(const struct mbx_mailbox *mb, const char *name, unsigned int len,
		 struct pid *pid),
	TP_ARGS(mb, name, len, pid)
);

/*
 * @depth is how many other messages the mailbox holds, @latency the time in ns since the
 * message was made, @deliveries how often it was given out with a token.
 */
DECLARE_EVENT_CLASS(mbox_message,
	TP_PROTO(const struct mbx_mailbox *mb, const struct mbx_msg *msg),
	TP_ARGS(mb, msg),
	TP_STRUCT__entry(
		__field(u64, mailbox)
		__field(u64, seq)
		__field(u64, type)
		__field(u64, badge)
		__field(s64, latency)
		__field(u32, len)
		__field(u32, depth)
		__field(pid_t, sender)
		__field(u16, priority)
		__field(u8, flags)
		__field(u8, deliveries)
	),
	TP_fast_assign(
		__entry->mailbox = mb->id;
		__entry->seq = msg->seq;
		__entry->type = msg->type;
		__entry->badge = msg->badge;
		__entry->latency = ktime_to_ns(ktime_sub(ktime_get(), msg->time));
		__entry->len = msg->len;
		__entry->depth = mbx_mailbox_messages(mb);
		__entry->sender = pid_nr(msg->pid);
		__entry->priority = msg->priority;
		__entry->flags = msg->flags;
		__entry->deliveries = msg->deliveries;
	),
	TP_printk("mailbox=%llu seq=%llu type=%llu priority=%u len=%u sender=%d badge=%llu flags=0x%x deliveries=%u depth=%u latency=%lld",
		  __entry->mailbox, __entry->seq, __entry->type, __entry->priority,
		  __entry->len, __entry->sender, __entry->badge, __entry->flags,
		  __entry->deliveries, __entry->depth, __entry->latency)
);

/* It came in, whether or not it stays: counted in @sent. */
DEFINE_EVENT(mbox_message, mbox_send,
	TP_PROTO(const struct mbx_mailbox *mb, const struct mbx_msg *msg),
	TP_ARGS(mb, msg)
);

/* It is done with, since somebody has it: counted in @received. */
DEFINE_EVENT(mbox_message, mbox_receive,
	TP_PROTO(const struct mbx_mailbox *mb, const struct mbx_msg *msg),
	TP_ARGS(mb, msg)
);

/* It is lost with the last receiver there could be, or its sender gave its call up. */
DEFINE_EVENT(mbox_message, mbox_discard,
	TP_PROTO(const struct mbx_mailbox *mb, const struct mbx_msg *msg),
	TP_ARGS(mb, msg)
);

/* It made room for another: counted in @drops. */
DEFINE_EVENT(mbox_message, mbox_drop,
	TP_PROTO(const struct mbx_mailbox *mb, const struct mbx_msg *msg),
	TP_ARGS(mb, msg)
);

/* Back to its place: who had it put it back, was not reached, died, or was too slow. */
DEFINE_EVENT(mbox_message, mbox_redeliver,
	TP_PROTO(const struct mbx_mailbox *mb, const struct mbx_msg *msg),
	TP_ARGS(mb, msg)
);

/* Its sender waits until it is received (sync) or answered (call), or will be told (async). */
TRACE_EVENT(mbox_call,
	TP_PROTO(const struct mbx_mailbox *mb, const struct mbx_msg *request),
	TP_ARGS(mb, request),
	TP_STRUCT__entry(
		__field(u64, mailbox)
		__field(u64, seq)
		__field(u32, reply_max)
		__field(bool, call)
		__field(bool, async)
	),
	TP_fast_assign(
		__entry->mailbox = mb->id;
		__entry->seq = request->seq;
		__entry->reply_max = request->call->reply_max;
		__entry->call = request->flags & MBOX_MSG_CALL;
		__entry->async = request->call->reply_to;
	),
	TP_printk("mailbox=%llu seq=%llu kind=%s reply_max=%u", __entry->mailbox,
		  __entry->seq, __entry->async ? "async" : __entry->call ? "call" : "sync",
		  __entry->reply_max)
);

/* Given to who waits for it: no queue was in between. */
TRACE_EVENT(mbox_hand_off,
	TP_PROTO(const struct mbx_mailbox *mb, const struct mbx_msg *msg,
		 const struct task_struct *receiver),
	TP_ARGS(mb, msg, receiver),
	TP_STRUCT__entry(
		__field(u64, mailbox)
		__field(u64, seq)
		__field(pid_t, receiver)
	),
	TP_fast_assign(
		__entry->mailbox = mb->id;
		__entry->seq = msg->seq;
		__entry->receiver = receiver->pid;
	),
	TP_printk("mailbox=%llu seq=%llu receiver=%d", __entry->mailbox, __entry->seq,
		  __entry->receiver)
);

/* Given out with a token, for @lease_time ns; 0: until it is settled. */
TRACE_EVENT(mbox_lease,
	TP_PROTO(const struct mbx_mailbox *mb, const struct mbx_msg *msg, u64 lease_time),
	TP_ARGS(mb, msg, lease_time),
	TP_STRUCT__entry(
		__field(u64, mailbox)
		__field(u64, seq)
		__field(u64, lease_time)
		__field(s64, latency)
		__field(u32, token)
		__field(u8, deliveries)
	),
	TP_fast_assign(
		__entry->mailbox = mb->id;
		__entry->seq = msg->seq;
		__entry->lease_time = lease_time;
		__entry->latency = ktime_to_ns(ktime_sub(ktime_get(), msg->time));
		__entry->token = msg->token.number;
		__entry->deliveries = msg->deliveries;
	),
	TP_printk("mailbox=%llu seq=%llu token=%u lease_time=%llu deliveries=%u latency=%lld",
		  __entry->mailbox, __entry->seq, __entry->token, __entry->lease_time,
		  __entry->deliveries, __entry->latency)
);

/*
 * What a call waits for has come: 0; or an errno, why it never will. -EPIPE: the caller gave
 * up, or nobody could receive the request.
 */
TRACE_EVENT(mbox_reply,
	TP_PROTO(const struct mbx_mailbox *mb, const struct mbx_msg *request, int result),
	TP_ARGS(mb, request, result),
	TP_STRUCT__entry(
		__field(u64, mailbox)
		__field(u64, seq)
		__field(s64, latency)
		__field(int, result)
	),
	TP_fast_assign(
		__entry->mailbox = mb->id;
		__entry->seq = request->seq;
		__entry->latency = ktime_to_ns(ktime_sub(ktime_get(), request->time));
		__entry->result = result;
	),
	TP_printk("mailbox=%llu seq=%llu result=%d latency=%lld", __entry->mailbox,
		  __entry->seq, __entry->result, __entry->latency)
);

/* The current thread goes to wait. */
TRACE_EVENT(mbox_block,
	TP_PROTO(const struct mbx_mailbox *mb, int op),
	TP_ARGS(mb, op),
	TP_STRUCT__entry(
		__field(u64, mailbox)
		__field(int, op)
	),
	TP_fast_assign(
		__entry->mailbox = mb->id;
		__entry->op = op;
	),
	TP_printk("mailbox=%llu op=%s", __entry->mailbox,
		  __print_symbolic(__entry->op, mbx_op_names))
);

/* It goes on. 0: what it waited for is there; or an errno. */
TRACE_EVENT(mbox_wake,
	TP_PROTO(const struct mbx_mailbox *mb, int op, int result),
	TP_ARGS(mb, op, result),
	TP_STRUCT__entry(
		__field(u64, mailbox)
		__field(int, op)
		__field(int, result)
	),
	TP_fast_assign(
		__entry->mailbox = mb->id;
		__entry->op = op;
		__entry->result = result == -ERESTARTSYS ? -EINTR : result;
	),
	TP_printk("mailbox=%llu op=%s result=%d", __entry->mailbox,
		  __print_symbolic(__entry->op, mbx_op_names), __entry->result)
);

#endif /* MBX_TRACE_H */

#undef TRACE_INCLUDE_PATH
#define TRACE_INCLUDE_PATH .
#undef TRACE_INCLUDE_FILE
#define TRACE_INCLUDE_FILE trace
#include <trace/define_trace.h>
