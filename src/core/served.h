/* SPDX-License-Identifier: MIT */
/* Copyright 2026 the Hermod authors */
/*
 * core/served.h - services of modules (rooms, pubsub) and the entities behind their addresses.
 * An entity's home is that of "key@domain", whatever the key.
 */
#ifndef CORE_SERVED_H
#define CORE_SERVED_H

#include "core/entity.h"
#include "core/letter.h"

/*
 * A letter for a service's domain: to the service itself where it is, or to the home of its entity;
 * takes it.
 */
void served_route(const struct host_service *service, struct hm_letter *take);
struct entity *served_entity(struct hm_entity *e);
/* w goes with the entity of that key; at its home. */
void served_wait(const struct host_service *service, const char *key, struct waiter *w);
/* Asks its kind, once it has said yes no more. first: the letter, or NULL: a command. */
bool served_exists(struct hm_entity *e, struct hm_letter *first);
struct hm_mod *served_mod(const struct hm_entity *e);
/* The entity behind e, or NULL when e is an account. */
struct hm_entity *served_of(struct entity *e);
bool served_may_ask(struct hm_entity *e, const struct hm_iq_route *route, const char *from);
const struct host_route *served_find_route(const struct host_service *service, enum hm_iq_type type,
                                           enum hm_side side, const char *ns, const char *name);

#endif
