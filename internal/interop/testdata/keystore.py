"""Fills the database of the Python broker, which is opened and made by the broker's own code.

Usage: keystore.py FILE < LINES, each {"owner", "ident", "secret", "pub", "sub"}
"""

import json
import sys

from hpfeeds.broker.auth.sqlite import Authenticator

db = Authenticator(sys.argv[1]).sql
for line in sys.stdin:
    k = json.loads(line)
    db.execute(
        "insert into authkeys (owner, ident, secret, pubchans, subchans) values (?, ?, ?, ?, ?)",
        (k["owner"], k["ident"], k["secret"], json.dumps(k["pub"]), json.dumps(k["sub"])),
    )
db.commit()
