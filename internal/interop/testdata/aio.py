"""The asyncio ClientSession."""

import asyncio
import os
import ssl
import threading

import agent
from hpfeeds.asyncio import ClientSession


async def main():
    tls = ssl.create_default_context(cafile=agent.tlscert) if agent.tlscert else None
    async with ClientSession(agent.host, agent.port, agent.ident, agent.secret, ssl=tls) as session:
        def do(c):
            if "publish" in c:
                session.publish(c["publish"], c["payload"].encode())
            elif "subscribe" in c:
                session.subscribe(c["subscribe"])
            else:
                session.unsubscribe(c["unsubscribe"])

        def read(loop):
            for c in agent.commands():
                loop.call_soon_threadsafe(do, c)
            os._exit(0)

        for channel in agent.channels:
            session.subscribe(channel)
        threading.Thread(target=read, args=(asyncio.get_running_loop(),), daemon=True).start()
        async for ident, channel, payload in session:
            agent.message(ident, channel, payload)


asyncio.run(main())
