"""The Twisted ClientSessionService, which is what cowrie uses."""

import os
import threading

import agent
from hpfeeds.twisted import ClientSessionService
from twisted.internet import defer, endpoints, reactor, ssl

endpoint = "tcp:%s:%d" % (agent.host, agent.port)
if agent.tlscert:  # as cowrie does it
    with open(agent.tlscert) as file:
        authority = ssl.Certificate.loadPEM(file.read())
    endpoint = endpoints.SSL4ClientEndpoint(
        reactor, agent.host, agent.port, ssl.optionsForClientTLS(agent.host, authority)
    )
service = ClientSessionService(endpoint, agent.ident, agent.secret)


def do(c):
    if "publish" in c:
        service.publish(c["publish"], c["payload"].encode())
    elif "subscribe" in c:
        service.subscribe(c["subscribe"])
    else:
        service.unsubscribe(c["unsubscribe"])


def read():
    for c in agent.commands():
        reactor.callFromThread(do, c)
    os._exit(0)


@defer.inlineCallbacks
def main():
    for channel in agent.channels:
        service.subscribe(channel)
    service.startService()
    yield service.whenConnected
    threading.Thread(target=read, daemon=True).start()
    while True:
        agent.message(*(yield service.read()))


reactor.callWhenRunning(main)
reactor.run()
