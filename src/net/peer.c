/* SPDX-License-Identifier: MIT */
/* Copyright 2026 the Hermod authors */
/*
 * net/peer.c - the address of who is at the other end, as text, and the prefix
 * by which limits count: with IPv6 everybody has 2^64 addresses of one network.
 */
#include <arpa/inet.h>
#include <netinet/in.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>

#include "net/conn_state.h"

_Static_assert(CONN_ADDRESS_MAX >= INET6_ADDRSTRLEN, "every address fits");

static void
peer_of_ipv4(const struct in_addr *address, in_port_t port, struct conn_peer *peer)
{
	inet_ntop(AF_INET, address, peer->address, sizeof(peer->address));
	memcpy(peer->prefix, peer->address, sizeof(peer->prefix));
	peer->port = ntohs(port);
}

static void
peer_of_ipv6(const struct sockaddr_in6 *in6, struct conn_peer *peer)
{
	struct in6_addr network = in6->sin6_addr;
	size_t len;

	inet_ntop(AF_INET6, &in6->sin6_addr, peer->address, sizeof(peer->address));
	memset(network.s6_addr + 8, 0, 8);
	inet_ntop(AF_INET6, &network, peer->prefix, sizeof(peer->prefix));
	len = strlen(peer->prefix);
	snprintf(peer->prefix + len, sizeof(peer->prefix) - len, "/64");
	peer->port = ntohs(in6->sin6_port);
}

void
peer_of_socket(int fd, struct conn_peer *peer)
{
	union {
		struct sockaddr any;
		struct sockaddr_in in;
		struct sockaddr_in6 in6;
	} from;
	socklen_t len = sizeof(from);
	struct in_addr mapped;

	*peer = (struct conn_peer){ .address = "local", .prefix = "local" };
	memset(&from, 0, sizeof(from));
	if (getpeername(fd, &from.any, &len) != 0)
		return;
	if (from.any.sa_family == AF_INET) {
		peer_of_ipv4(&from.in.sin_addr, from.in.sin_port, peer);
	} else if (from.any.sa_family == AF_INET6 && IN6_IS_ADDR_V4MAPPED(&from.in6.sin6_addr)) {
		memcpy(&mapped, from.in6.sin6_addr.s6_addr + 12, sizeof(mapped));
		peer_of_ipv4(&mapped, from.in6.sin6_port, peer);
	} else if (from.any.sa_family == AF_INET6) {
		peer_of_ipv6(&from.in6, peer);
	}
}
