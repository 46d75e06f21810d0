"""The blocking client, hpfeeds.new: one thread receives, this one publishes."""

import os
import threading

import agent
import hpfeeds

client = hpfeeds.new(agent.host, agent.port, agent.ident, agent.secret, certfile=agent.tlscert)
client.subscribe(agent.channels)
receiver = threading.Thread(target=client.run, args=(agent.message, lambda text: agent.emit(error=text)), daemon=True)
receiver.start()

for c in agent.commands():
    client.publish(c["publish"], c["payload"].encode())
os._exit(0)  # run() only ends with the next message
