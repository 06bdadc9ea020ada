// SPDX-License-Identifier: GPL-2.0-only
/*
 * Messages: memory, copies, identity, payment.
 *
 * A payload that fits a page with its message is one allocation; a longer one
 * is in chunks of a page each, so that no size needs physically contiguous memory.
 */
#include <linux/mm.h>
#include <linux/sched/signal.h>
#include <linux/slab.h>

#include "message.h"
#include "quota.h"
#include "wait.h"
#include "words.h"

/*
 * Messages that fit a page, by size: 256 bytes, 512 and so on. What comes from caches
 * with a constructor is not zeroed, which costs more than all else that is done for a
 * message, and nothing is read of a message that was not written. But there a pointer
 * follows each object, for which the larger ones leave room, lest they need two pages.
 */
#define MSG_SIZE_MIN	256
#define MSG_CACHES	(PAGE_SHIFT - 7)
#define MSG_INLINE_MAX	(PAGE_SIZE - sizeof(void *) - offsetof(struct mbx_msg, data))

static struct kmem_cache *msg_caches[MSG_CACHES] __ro_after_init;

/* Of a longer payload; from a cache for the same reasons. */
#define MSG_CHUNK	(PAGE_SIZE - sizeof(void *))

static struct kmem_cache *chunk_cache __ro_after_init;

static_assert(offsetof(struct mbx_msg, data) + 64 <= MSG_SIZE_MIN);

static size_t msg_class_size(unsigned int class)
{
	return class ? (MSG_SIZE_MIN << class) - sizeof(void *) : MSG_SIZE_MIN;
}

static unsigned int msg_class(size_t size)
{
	return size <= MSG_SIZE_MIN ? 0 : ilog2(size + sizeof(void *) - 1) - 7;
}

/* What a message costs its payer: payload and bookkeeping. */
static long msg_cost(u32 len)
{
	return sizeof(struct mbx_msg) + len;
}

static unsigned int msg_chunk_count(const struct mbx_msg *msg)
{
	return DIV_ROUND_UP(msg->len, MSG_CHUNK);
}

static void chunk_free(void *chunk)
{
	if (want_init_on_free()) /* as in msg_free_memory() */
		memzero_explicit(chunk, MSG_CHUNK);
	kmem_cache_free(chunk_cache, chunk);
}

/* Frees the chunks before the first that is missing. */
static void msg_free_chunks(struct mbx_msg *msg)
{
	unsigned int i;

	for (i = 0; i < msg_chunk_count(msg) && msg->chunks[i]; i++) {
		chunk_free(msg->chunks[i]);
		cond_resched();
	}
	kvfree(msg->chunks);
}

static int msg_alloc_chunks(struct mbx_msg *msg)
{
	unsigned int i, n = msg_chunk_count(msg);

	msg->chunks = kvcalloc(n, sizeof(*msg->chunks), MBX_GFP_USER);
	if (!msg->chunks)
		return -ENOMEM;
	for (i = 0; i < n; i++) {
		if (!fatal_signal_pending(current))
			msg->chunks[i] = kmem_cache_alloc(chunk_cache, MBX_GFP_USER);
		if (!msg->chunks[i]) {
			msg_free_chunks(msg);
			return -ENOMEM;
		}
		cond_resched();
	}
	return 0;
}

static struct mbx_msg *msg_alloc(u32 len)
{
	bool chunked = len > MSG_INLINE_MAX;
	unsigned int class = msg_class(offsetof(struct mbx_msg, data) + (chunked ? 0 : len));
	struct mbx_msg *msg;

	msg = kmem_cache_alloc(msg_caches[class], MBX_GFP_USER);
	if (!msg)
		return NULL;
	msg->len = len;
	msg->chunked = chunked;
	msg->class = class;
	if (chunked && msg_alloc_chunks(msg)) {
		kmem_cache_free(msg_caches[class], msg);
		return NULL;
	}
	return msg;
}

/*
 * Gives back the chunks that a payload of @len does not need. The rest of the
 * allocation stays, and stays charged: the array of all chunks among it.
 */
static void msg_shrink(struct mbx_msg *msg, u32 len)
{
	unsigned int i, keep = DIV_ROUND_UP(len, MSG_CHUNK);
	unsigned int n = msg->chunked ? msg_chunk_count(msg) : 0;
	u64 needed = (u64)keep * MSG_CHUNK + n * sizeof(*msg->chunks);

	for (i = keep; i < n; i++) {
		chunk_free(msg->chunks[i]);
		cond_resched();
	}
	msg->len = len;
	if (n && needed < msg->charged) {
		mbx_quota_uncharge(msg->payer, MBX_BYTES, msg->charged - needed);
		msg->charged = needed;
	}
}

static void msg_free_memory(struct mbx_msg *msg)
{
	if (msg->chunked)
		msg_free_chunks(msg);
	else if (want_init_on_free()) /* the caches don't: see there */
		memzero_explicit(msg->data, msg->charged);
	kmem_cache_free(msg_caches[msg->class], msg);
}

/* Apart, so that short ones need not save the registers that this uses. */
static noinline int msg_copy_in_long(struct mbx_msg *msg, struct iov_iter *from)
{
	u32 len = iov_iter_count(from);
	u32 done, n;

	if (!msg->chunked)
		return copy_from_iter_full(msg->data, len, from) ? 0 : -EFAULT;

	for (done = 0; done < len; done += n) {
		n = min_t(u32, len - done, MSG_CHUNK);
		if (!copy_from_iter_full(msg->chunks[done / MSG_CHUNK], n, from))
			return -EFAULT;
		cond_resched();
	}
	return 0;
}

static int msg_copy_in(struct mbx_msg *msg, struct iov_iter *from)
{
	u32 len = iov_iter_count(from);

	if (msg->chunked || len > MBX_WORDS_MAX || !iter_is_ubuf(from))
		return msg_copy_in_long(msg, from);
	return mbx_words_read(msg->data, from->ubuf + from->iov_offset, len);
}

/* Who it is from, and since when. */
static void msg_stamp(struct mbx_msg *msg, const struct mbx_sender *from)
{
	msg->time = ktime_get();
	msg->flags |= from->flags;
	msg->uid = from->uid;
	msg->gid = from->gid;
	msg->pid = get_pid(from->pid);
}

/**
 * mbx_msg_new_slot - make an empty message that something will be written into
 * @from: who it is from for now, and who pays; the message takes its own
 *	references
 * @capacity: the longest payload that it can take, in bytes
 *
 * @type, @priority and @badge are 0.
 *
 * Context: may sleep.
 * Return: the message, whose length is @capacity until it is filled; -EDQUOT,
 * -ENOMEM as ERR_PTR().
 */
struct mbx_msg *mbx_msg_new_slot(const struct mbx_sender *from, u32 capacity)
{
	struct mbx_msg *msg;
	int ret;

	ret = mbx_quota_charge(from->payer, MBX_BYTES, msg_cost(capacity), from->opener);
	if (ret)
		return ERR_PTR(ret);
	msg = msg_alloc(capacity);
	if (!msg) {
		mbx_quota_uncharge(from->payer, MBX_BYTES, msg_cost(capacity));
		return ERR_PTR(-ENOMEM);
	}
	msg->charged = capacity;
	msg->type = 0;
	msg->seq = 0;
	msg->priority = 0;
	msg->flags = 0;
	msg->value = 0;
	msg->badge = 0;
	msg->payer = mbx_quota_get(from->payer);
	msg->call = NULL;
	msg->cargo = NULL;
	msg->waiter = NULL;
	msg->peeks = 0;
	msg->deliveries = 0;
	msg->in_hand = false;
	msg->stays = false;
	msg->has_token = false;
	msg->done = false;
	msg->files_lost = false;
	msg_stamp(msg, from);
	return msg;
}

/**
 * mbx_msg_new - make a message
 * @from: who it is from; the message takes its own references
 * @payload: all of it is the payload; its length must fit u32
 *
 * @type and @priority are 0.
 *
 * Context: may sleep, reads user memory.
 * Return: the message; -EDQUOT, -ENOMEM, -EFAULT as ERR_PTR().
 */
struct mbx_msg *mbx_msg_new(const struct mbx_sender *from,
			    struct iov_iter *payload)
{
	struct mbx_msg *msg = mbx_msg_new_slot(from, iov_iter_count(payload));
	int ret;

	if (IS_ERR(msg))
		return msg;
	msg->badge = from->badge;
	ret = msg_copy_in(msg, payload);
	if (!ret)
		return msg;
	mbx_msg_free(msg);
	return ERR_PTR(ret);
}

/**
 * mbx_msg_fill - write a slot
 * @msg: of mbx_msg_new_slot(), not filled yet
 * @from: who it is from; badge and who pays stay
 * @payload: all of it is the payload, not longer than the slot's capacity
 *
 * Context: may sleep, reads user memory.
 * Return: 0; -EFAULT: it can be filled again.
 */
int mbx_msg_fill(struct mbx_msg *msg, const struct mbx_sender *from,
		 struct iov_iter *payload)
{
	u32 len = iov_iter_count(payload);
	int ret;

	ret = msg_copy_in(msg, payload);
	if (ret)
		return ret;
	msg_shrink(msg, len);
	put_pid(msg->pid);
	msg_stamp(msg, from);
	return 0;
}

/**
 * mbx_msg_fill_failed - say in a slot that nobody will fill it
 * @msg: of mbx_msg_new_slot(), not filled yet. It becomes a message of the
 *	payer's user, and of no process
 *
 * Context: may sleep.
 */
void mbx_msg_fill_failed(struct mbx_msg *msg)
{
	msg_shrink(msg, 0);
	put_pid(msg->pid);
	msg->pid = NULL;
	msg->time = ktime_get();
	msg->flags |= MBOX_MSG_FAILED;
}

/**
 * mbx_msg_load - let files go with a message
 * @msg: in no mailbox yet, paid for by the caller
 * @cargo: likewise from now on; the message's, unless this fails
 *
 * Return: 0, -EDQUOT.
 */
int mbx_msg_load(struct mbx_msg *msg, struct mbx_cargo *cargo)
{
	int ret = mbx_cargo_charge(cargo, msg->payer);

	if (ret)
		return ret;
	cargo->msg = msg;
	msg->cargo = cargo;
	return 0;
}

/**
 * mbx_msg_free - free a message
 * @msg: in no queue, and nobody peeks at it
 *
 * Context: may sleep.
 */
void mbx_msg_free(struct mbx_msg *msg)
{
	mbx_quota_uncharge(msg->payer, MBX_BYTES, msg_cost(msg->charged));
	mbx_quota_put(msg->payer);
	put_pid(msg->pid);
	mbx_cargo_free(msg->cargo);
	msg_free_memory(msg);
}

/* As msg_copy_in_long(). */
static noinline int msg_copy_out_long(const struct mbx_msg *msg, u32 len,
				      struct iov_iter *to)
{
	u32 done, n;

	if (!msg->chunked)
		return copy_to_iter(msg->data, len, to) == len ? 0 : -EFAULT;

	for (done = 0; done < len; done += n) {
		n = min_t(u32, len - done, MSG_CHUNK);
		if (copy_to_iter(msg->chunks[done / MSG_CHUNK], n, to) != n)
			return -EFAULT;
		cond_resched();
	}
	return 0;
}

/**
 * mbx_msg_copy_out - copy the payload to user space
 * @msg: stays as it is
 * @to: takes as much of the payload as it has room for
 *
 * Context: may sleep, writes user memory; what is short and not in chunks also with page
 * faults disabled, and under a lock.
 * Return: 0, -EFAULT.
 */
int mbx_msg_copy_out(const struct mbx_msg *msg, struct iov_iter *to)
{
	u32 len = min_t(size_t, msg->len, iov_iter_count(to));

	if (msg->chunked || len > MBX_WORDS_MAX || !iter_is_ubuf(to))
		return msg_copy_out_long(msg, len, to);
	return mbx_words_write(to->ubuf + to->iov_offset, msg->data, len);
}

/**
 * mbx_msg_describe - the header as the current process sees it
 * @msg: the message
 * @args: the second half is written in full; @out_drops is 0
 */
void mbx_msg_describe(const struct mbx_msg *msg, struct mbox_msg_args *args)
{
	struct user_namespace *ns = current_user_ns();
	/* Once: if this is a peek, others may take it meanwhile. */
	unsigned int deliveries = READ_ONCE(msg->deliveries);

	args->out_type = msg->type;
	args->out_seq = msg->seq;
	args->out_time = ktime_to_ns(mbx_time_to_user(msg->time));
	args->out_badge = msg->badge;
	args->out_token = 0;
	args->out_len = msg->len;
	args->out_reply_max = msg->value;
	args->out_drops = 0;
	args->out_pid = pid_vnr(msg->pid);
	if (ns == &init_user_ns) {
		args->out_uid = __kuid_val(msg->uid);
		args->out_gid = __kgid_val(msg->gid);
	} else {
		args->out_uid = from_kuid_munged(ns, msg->uid);
		args->out_gid = from_kgid_munged(ns, msg->gid);
	}
	args->out_priority = msg->priority;
	args->out_deliveries = min(deliveries + 1, (unsigned int)U8_MAX);
	args->out_flags = msg->flags;
	if (READ_ONCE(msg->files_lost))
		args->out_flags |= MBOX_MSG_FILES_LOST;
	if (deliveries)
		args->out_flags |= MBOX_MSG_REDELIVERED;
}

static void msg_construct(void *msg)
{
	/* That there is a constructor is what counts: see msg_caches. */
}

/**
 * mbx_msg_init - make the caches of messages
 *
 * Return: 0; -ENOMEM: mbx_msg_exit() frees those that there are.
 */
int __init mbx_msg_init(void)
{
	const size_t data = offsetof(struct mbx_msg, data);
	char name[32];
	unsigned int i;
	size_t size;

	for (i = 0; i < MSG_CACHES; i++) {
		size = msg_class_size(i);
		snprintf(name, sizeof(name), "mbx_msg-%zu", size);
		msg_caches[i] = kmem_cache_create_usercopy(name, size, 0, SLAB_ACCOUNT,
							   data, size - data, msg_construct);
		if (!msg_caches[i])
			return -ENOMEM;
	}
	chunk_cache = kmem_cache_create_usercopy("mbx_chunk", MSG_CHUNK, 0, SLAB_ACCOUNT, 0,
						 MSG_CHUNK, msg_construct);
	return chunk_cache ? 0 : -ENOMEM;
}

/**
 * mbx_msg_exit - free them; no message is left
 */
void mbx_msg_exit(void)
{
	unsigned int i;

	for (i = 0; i < MSG_CACHES; i++)
		kmem_cache_destroy(msg_caches[i]);
	kmem_cache_destroy(chunk_cache);
}
