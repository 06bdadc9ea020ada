/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Copies of a few bytes from and to user memory, a word at a time: in a third of the
 * instructions of copy_from_user(), which must find out first what it is told to copy.
 */
#ifndef MBX_WORDS_H
#define MBX_WORDS_H

#include <linux/fault-inject-usercopy.h>
#include <linux/uaccess.h>

/* Where a loop is not slower yet. */
#define MBX_WORDS_MAX	256

/**
 * mbx_words_read - copy a few bytes from user memory
 * @to: may be written in part on failure
 * @from: the user's
 * @len: in bytes, known to be small
 *
 * Return: 0, -EFAULT.
 */
static inline int mbx_words_read(void *to, const void __user *from, size_t len)
{
	might_fault();
	if (should_fail_usercopy() || !user_read_access_begin(from, len))
		return -EFAULT;
#pragma GCC unroll 8
	for (; len >= sizeof(long); len -= sizeof(long)) {
		unsafe_get_user(*(long *)to, (const long __user *)from, fault);
		to += sizeof(long);
		from += sizeof(long);
	}
	for (; len; len--) {
		unsafe_get_user(*(u8 *)to, (const u8 __user *)from, fault);
		to++;
		from++;
	}
	user_read_access_end();
	return 0;

fault:
	user_read_access_end();
	return -EFAULT;
}

/**
 * mbx_words_write - copy a few bytes to user memory
 * @to: the user's; may be written in part on failure
 * @from: what is copied
 * @len: in bytes, known to be small
 *
 * Return: 0, -EFAULT.
 */
static inline int mbx_words_write(void __user *to, const void *from, size_t len)
{
	might_fault();
	if (should_fail_usercopy() || !user_write_access_begin(to, len))
		return -EFAULT;
#pragma GCC unroll 8
	for (; len >= sizeof(long); len -= sizeof(long)) {
		unsafe_put_user(*(const long *)from, (long __user *)to, fault);
		to += sizeof(long);
		from += sizeof(long);
	}
	for (; len; len--) {
		unsafe_put_user(*(const u8 *)from, (u8 __user *)to, fault);
		to++;
		from++;
	}
	user_write_access_end();
	return 0;

fault:
	user_write_access_end();
	return -EFAULT;
}

#endif /* MBX_WORDS_H */
