// SPDX-License-Identifier: GPL-2.0-only
/*
 * Does one thing wrong when it is loaded with fault=NAME, so that the runner's own
 * test can see that the kernel's detectors tell of it. It has nothing to do with mbox.
 */
#include <linux/delay.h>
#include <linux/kthread.h>
#include <linux/module.h>
#include <linux/slab.h>

static char *fault = "none";
module_param(fault, charp, 0);
MODULE_PARM_DESC(fault, "what to do wrong");

static DEFINE_SPINLOCK(lock_a);
static DEFINE_SPINLOCK(lock_b);
static unsigned int shift_by = 40;
static long raced;

static void use_after_free(void)
{
	long *p = kmalloc(sizeof(*p), GFP_KERNEL);

	kfree(p);
	raced = READ_ONCE(*p);
}

static void lock_inversion(void)
{
	spin_lock(&lock_a);
	spin_lock(&lock_b);
	spin_unlock(&lock_b);
	spin_unlock(&lock_a);

	spin_lock(&lock_b);
	spin_lock(&lock_a);
	spin_unlock(&lock_a);
	spin_unlock(&lock_b);
}

static void sleep_in_atomic(void)
{
	spin_lock(&lock_a);
	kfree(kmalloc(64, GFP_KERNEL));
	spin_unlock(&lock_a);
}

static void leak(void)
{
	void *p = kmalloc(192, GFP_KERNEL);

	OPTIMIZER_HIDE_VAR(p);
}

static void shift_overflow(void)
{
	raced = 1 << READ_ONCE(shift_by);
}

static int racer(void *unused)
{
	while (!kthread_should_stop()) {
		raced++;
		cond_resched();
	}
	return 0;
}

/* Two that count without a lock, for long enough to be sampled. */
static void race(void)
{
	struct task_struct *racers[2];
	int i;

	for (i = 0; i < 2; i++)
		racers[i] = kthread_run(racer, NULL, "racer%d", i);
	msleep(3000);
	for (i = 0; i < 2; i++)
		if (!IS_ERR(racers[i]))
			kthread_stop(racers[i]);
}

static const struct {
	const char *name;
	void (*plant)(void);
} faults[] = {
	{ "use_after_free", use_after_free },
	{ "lock_inversion", lock_inversion },
	{ "sleep_in_atomic", sleep_in_atomic },
	{ "leak", leak },
	{ "shift_overflow", shift_overflow },
	{ "data_race", race },
};

static int __init planted_init(void)
{
	int i;

	for (i = 0; i < ARRAY_SIZE(faults); i++) {
		if (!strcmp(faults[i].name, fault)) {
			faults[i].plant();
			return 0;
		}
	}
	return -EINVAL;
}

static void __exit planted_exit(void)
{
}

module_init(planted_init);
module_exit(planted_exit);
MODULE_DESCRIPTION("Faults for detectors to find");
MODULE_LICENSE("GPL");
