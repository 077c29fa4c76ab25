/* SPDX-License-Identifier: MIT */
/* Copyright 2026 the Hermod authors */
/*
 * base/list.h - an intrusive doubly linked ring.  A struct list is both head
 * and link; a link that is in no list points to itself.
 */
#ifndef BASE_LIST_H
#define BASE_LIST_H

#include <stdbool.h>
#include <stddef.h>

#include <hermod/values.h>

struct list {
	struct list *next, *prev;
};

static inline void
list_init(struct list *l)
{
	l->next = l->prev = l;
}
static inline bool
list_empty(const struct list *l)
{
	return l->next == l;
}
static inline void
list_push_back(struct list *head, struct list *l)
{
	l->prev = head->prev;
	l->next = head;
	head->prev->next = l;
	head->prev = l;
}
static inline void
list_push_front(struct list *head, struct list *l)
{
	list_push_back(head->next, l);
}
static inline void
list_remove(struct list *l)
{
	l->prev->next = l->next;
	l->next->prev = l->prev;
	l->next = l->prev = l;
}
#define list_entry(ptr, type, member) HM_CONTAINER(ptr, type, member)
/* The body may remove the current entry, and no other. */
#define list_for_each(l, next_, head)                                                              \
	for (struct list *l = (head)->next, *next_ = l->next; l != (head);                         \
	     l = next_, next_ = l->next)

#endif
