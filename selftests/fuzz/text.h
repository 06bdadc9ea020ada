/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/*
 * Inputs as text: base64, as the corpus has them, and a listing
 * of what was done.
 */
#ifndef FUZZ_TEXT_H
#define FUZZ_TEXT_H

#include "lanes.h"

#define FUZZ_TEXT_MAX	((FUZZ_SIZE_MAX + 2) / 3 * 4 + 1)

static const char text_digits[] =
	"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

static inline void text_encode(char *text, const unsigned char *data, size_t size)
{
	size_t i;

	for (i = 0; i < size; i += 3) {
		size_t left = size - i;
		uint32_t bits = data[i] << 16 | (left > 1 ? data[i + 1] << 8 : 0) |
				(left > 2 ? data[i + 2] : 0);

		*text++ = text_digits[bits >> 18];
		*text++ = text_digits[bits >> 12 & 63];
		*text++ = left > 1 ? text_digits[bits >> 6 & 63] : '=';
		*text++ = left > 2 ? text_digits[bits & 63] : '=';
	}
	*text = 0;
}

/* Decode up to the end of the line; how many bytes that was. */
static inline size_t text_decode(unsigned char *data, size_t max, const char *text)
{
	size_t size = 0;
	uint32_t bits = 0;
	unsigned int n = 0;

	for (; *text && *text != '\n' && *text != '=' && size < max; text++) {
		const char *digit = strchr(text_digits, *text);

		if (!digit)
			return 0;
		bits = bits << 6 | (digit - text_digits);
		n += 6;
		if (n >= 8) {
			n -= 8;
			data[size++] = bits >> n;
		}
	}
	return size;
}

/* What was done in the last input, and what came of it. */
static inline void text_show(FILE *out)
{
	const struct fuzz_input *in = &world.shared->in;
	unsigned int i;

	fprintf(out, "limits %u kind 0x%02x user %u end %u\n", in->head.limits & 7,
		in->head.kind, in->head.user, in->head.end);
	for (i = 0; i < in->count; i++) {
		const struct fuzz_op *op = &in->ops[i];
		int ret = world.shared->results[i];

		fprintf(out, "%2u lane %u%c %-10s slot %u,%u flags 0x%x wait %u select 0x%x ",
			i, fuzz_lane(op), op->lane & FUZZ_ASYNC ? '&' : ' ',
			fuzz_operations[fuzz_kind(op)].name,
			op->slot % (FUZZ_SLOTS + FILES), op->slot2 % (FUZZ_SLOTS + FILES),
			op->flags, op->wait & 15, op->select);
		fprintf(out, "len %u,%u ptr 0x%x,0x%x priority %u type %u id %u ",
			op->len, op->len2, op->ptr, op->ptr2, op->priority, op->type,
			op->id);
		fprintf(out, "count %u more 0x%x fault %u: ", op->count, op->more,
			op->lane >> 4);
		if (ret == FUZZ_NOT_RUN)
			fprintf(out, "not begun\n");
		else if (ret == FUZZ_RUNNING)
			fprintf(out, "not over\n");
		else if (ret < 0)
			fprintf(out, "%s\n", strerrorname_np(-ret) ?: "?");
		else
			fprintf(out, "%d\n", ret);
	}
}

#endif /* FUZZ_TEXT_H */
