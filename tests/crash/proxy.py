# SPDX-License-Identifier: MIT
# Copyright 2026 the Hermod authors
"""Stands between the server and PostgreSQL, and makes the way long or cuts it.  It runs in a thread of
its own: the server asks for the database while the test waits for the server."""

import asyncio
import os
import random
import threading

SOCKET = '.s.PGSQL.5432'


class Proxy:
    def __init__(self, directory, database_directory):
        """Its socket is in `directory`, that of the database in the other one."""
        self.directory = directory
        self.target = os.path.join(database_directory, SOCKET)
        self.delay = 0.0      # seconds at most, each way and each time
        self.deaf = False     # answers of the database get lost
        self.writers = set()
        self.loop = asyncio.new_event_loop()
        self.started = threading.Event()
        self.thread = threading.Thread(target=self.run, daemon=True)
        self.thread.start()
        self.started.wait()

    def run(self):
        asyncio.set_event_loop(self.loop)
        path = os.path.join(self.directory, SOCKET)
        server = self.loop.run_until_complete(asyncio.start_unix_server(self.accept, path))
        self.started.set()
        self.loop.run_forever()
        server.close()

    async def accept(self, reader, writer):
        try:
            there_reader, there_writer = await asyncio.open_unix_connection(self.target)
        except OSError:
            writer.transport.abort()
            return
        self.writers |= {writer, there_writer}
        await asyncio.gather(self.pump(reader, there_writer, False), self.pump(there_reader, writer, True))
        self.writers -= {writer, there_writer}

    async def pump(self, reader, writer, answers):
        try:
            while data := await reader.read(65536):
                if self.delay:
                    await asyncio.sleep(random.uniform(0, self.delay))
                if answers and self.deaf:
                    continue
                writer.write(data)
                await writer.drain()
        except OSError:
            pass
        writer.transport.abort()

    def cut(self):
        """All connections, at once."""
        def abort():
            for writer in list(self.writers):
                writer.transport.abort()
        self.loop.call_soon_threadsafe(abort)

    def close(self):
        self.cut()
        self.loop.call_soon_threadsafe(self.loop.stop)
        self.thread.join()
