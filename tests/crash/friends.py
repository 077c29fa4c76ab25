# SPDX-License-Identifier: MIT
# Copyright 2026 the Hermod authors
"""Subscriptions between accounts, made before the trouble begins."""

from client import Client, Connection
from xt.tree import BIND


async def say(world, account, stanzas):
    """On a connection of its own, which sees no presence."""
    first = world.accounts[account][0]
    speaker = Client(world, first.name, account, first.password, first.habits, world.rng)
    speaker.connection = connection = await Connection.open(*world.address)
    domain = account.partition('@')[2]
    await connection.open_stream(domain)
    await speaker.authenticate()
    await connection.open_stream(domain)
    connection.send(f"<iq type='set' id='bind'><bind xmlns='{BIND}'/></iq>")
    await connection.step()
    connection.send(stanzas)
    await connection.close()
    await world.blocking(world.server.drain)


async def befriend(world, one, other):
    """Each sees the other (RFC 6121 3.1)."""
    await say(world, one, f"<presence type='subscribe' to='{other}'/>")
    await say(world, other, f"<presence type='subscribed' to='{one}'/><presence type='subscribe' to='{one}'/>")
    await say(world, one, f"<presence type='subscribed' to='{other}'/>")
