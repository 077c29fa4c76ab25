/* SPDX-License-Identifier: MIT */
/* Copyright 2026 the Hermod authors */
/* tests of loop/mailbox.c */
#include "loop/mailbox.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
/* cmocka wants these before it. */
#include <cmocka.h>

#include <poll.h>
#include <pthread.h>

#include <hermod/values.h>

#define POSTERS 3
#define EACH 20000

struct letter {
	struct mail mail;
	unsigned from, number;
};

static bool
was_woken(struct mailbox *box)
{
	struct pollfd p = { .fd = box->event_fd, .events = POLLIN };

	return poll(&p, 1, 0) == 1;
}

static void
mails_come_out_oldest_first(void **state)
{
	struct mailbox box;
	struct letter letter[3] = { { .number = 0 }, { .number = 1 }, { .number = 2 } };
	unsigned n = 0;

	assert_true(mailbox_init(&box));
	for (unsigned i = 0; i < 3; i++)
		mailbox_post(&box, &letter[i].mail);
	for (struct mail *m = mailbox_take_all(&box); m; m = m->next)
		assert_int_equal(HM_CONTAINER(m, struct letter, mail)->number, n++);
	assert_int_equal(n, 3);
	assert_null(mailbox_take_all(&box));
	mailbox_destroy(&box);
}

static void
only_a_sleeper_is_woken(void **state)
{
	struct mailbox box;
	struct letter letter[2] = { { .number = 0 }, { .number = 1 } };

	assert_true(mailbox_init(&box));
	mailbox_post(&box, &letter[0].mail);
	assert_false(was_woken(&box));
	assert_false(mailbox_sleep(&box));
	assert_ptr_equal(mailbox_take_all(&box), &letter[0].mail);
	assert_true(mailbox_sleep(&box));
	assert_false(was_woken(&box));
	mailbox_post(&box, &letter[1].mail);
	assert_true(was_woken(&box));
	assert_ptr_equal(mailbox_take_all(&box), &letter[1].mail);
	mailbox_destroy(&box);
}

static void
who_woke_by_itself_and_says_so_is_not_woken(void **state)
{
	struct mailbox box;
	struct letter letter = { .number = 0 };

	assert_true(mailbox_init(&box));
	assert_true(mailbox_sleep(&box));
	mailbox_awake(&box);
	mailbox_post(&box, &letter.mail);
	assert_false(was_woken(&box));
	assert_false(mailbox_sleep(&box));
	mailbox_awake(&box); /* takes no mail away */
	assert_ptr_equal(mailbox_take_all(&box), &letter.mail);
	mailbox_destroy(&box);
}

static void
a_sleeper_that_woke_by_itself_finds_nothing(void **state)
{
	struct mailbox box;

	assert_true(mailbox_init(&box));
	assert_true(mailbox_sleep(&box));
	assert_true(mailbox_sleep(&box));
	assert_null(mailbox_take_all(&box));
	mailbox_destroy(&box);
}

static struct mailbox shared;
static struct letter letters[POSTERS][EACH];

static void *
post_all(void *ctx)
{
	struct letter *mine = ctx;

	for (unsigned i = 0; i < EACH; i++)
		mailbox_post(&shared, &mine[i].mail);
	return NULL;
}

static void
each_threads_mails_keep_their_order(void **state)
{
	pthread_t thread[POSTERS];
	unsigned next[POSTERS] = { 0 };
	unsigned n = 0;

	assert_true(mailbox_init(&shared));
	for (unsigned t = 0; t < POSTERS; t++)
		for (unsigned i = 0; i < EACH; i++)
			letters[t][i] = (struct letter){ .from = t, .number = i };
	for (unsigned t = 0; t < POSTERS; t++)
		assert_int_equal(pthread_create(&thread[t], NULL, post_all, letters[t]), 0);
	while (n < POSTERS * EACH) {
		struct pollfd p = { .fd = shared.event_fd, .events = POLLIN };

		for (struct mail *m = mailbox_take_all(&shared); m; m = m->next, n++) {
			struct letter *l = HM_CONTAINER(m, struct letter, mail);

			assert_int_equal(l->number, next[l->from]++);
		}
		if (n < POSTERS * EACH && mailbox_sleep(&shared))
			assert_int_equal(poll(&p, 1, 10000), 1);
	}
	for (unsigned t = 0; t < POSTERS; t++)
		pthread_join(thread[t], NULL);
	mailbox_destroy(&shared);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(mails_come_out_oldest_first),
		cmocka_unit_test(only_a_sleeper_is_woken),
		cmocka_unit_test(who_woke_by_itself_and_says_so_is_not_woken),
		cmocka_unit_test(a_sleeper_that_woke_by_itself_finds_nothing),
		cmocka_unit_test(each_threads_mails_keep_their_order),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
