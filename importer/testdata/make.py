"""Makes the databases that the tests read, with the library itself: python3 make.py."""

import os
import shutil
import sqlite3

AUTHKEYS = """create table authkeys (id integer primary key autoincrement,
    owner TEXT, ident TEXT, secret TEXT,
    pubchans TEXT, subchans TEXT)"""


def fresh(name, *pragmas):
    if os.path.exists(name):
        os.remove(name)
    db = sqlite3.connect(name, isolation_level=None)
    for p in ("page_size = 512", *pragmas):
        db.execute("pragma " + p)
    return db


# Rows on many pages, and some that go on on overflow pages; gaps, and a free page.
db = fresh("broker.db")
db.execute("create table logs (id integer primary key autoincrement, data TEXT)")
db.execute(AUTHKEYS)
db.execute("begin")
for i in range(1, 61):
    db.execute(
        "insert into authkeys (owner, ident, secret, pubchans, subchans) values (?, ?, ?, ?, ?)",
        ("owner%d" % (i % 7), "ident%d" % i, "s" * (i * i % 1300), '["a"]', "[]"),
    )
db.execute("delete from authkeys where id % 10 = 0")
db.execute("commit")
db.close()

# Every kind of value, a column that was added, names in quotes, a column that is no type's, UTF-16.
for name, encoding in (("values.db", "UTF-8"), ("utf16.db", "UTF-16le"), ("utf16be.db", "UTF-16be")):
    db = fresh(name, "encoding = '%s'" % encoding)
    db.execute("""create table "odd, name" ("a (b)" text default (',)'), -- a comment, (
        [c d], `e` integer /* , */ check (e <> 9), primary key (e, `e`), check ("a (b)" <> "x"))""")
    for v in (None, 0, 1, -1, 127, -128, 32767, -32768, 1 << 23, -(1 << 31), 1 << 40, -(1 << 62), 1.5, "", "glöckchen", b"\x00\xff"):
        db.execute('insert into "odd, name" ("c d") values (?)', (v,))
    db.execute('alter table "odd, name" add column later text')
    db.execute('insert into "odd, name" ("c d", later) values (?, ?)', ("last", "added"))
    db.close()

# What is committed is in the write-ahead log; the last change of it is not.
db = fresh("wal.db", "journal_mode = WAL", "wal_autocheckpoint = 0")
db.execute(AUTHKEYS)
db.execute("insert into authkeys (ident) values ('committed')")
db.execute("pragma cache_size = 1")
db.execute("begin")
for i in range(50):
    db.execute("insert into authkeys (ident, secret) values ('open', ?)", ("x" * 400,))
for end in ("", "-wal"):
    shutil.copyfile("wal.db" + end, "log.db" + end)
db.close()
os.remove("wal.db")

# That of hpfeeds-rs.
db = fresh("rs.db")
db.execute("CREATE TABLE IF NOT EXISTS users (ident TEXT PRIMARY KEY, secret TEXT NOT NULL)")
db.execute(
    "CREATE TABLE IF NOT EXISTS permissions (id INTEGER PRIMARY KEY AUTOINCREMENT, ident TEXT NOT NULL, "
    "channel TEXT NOT NULL, can_pub BOOLEAN DEFAULT FALSE, can_sub BOOLEAN DEFAULT FALSE, "
    "FOREIGN KEY(ident) REFERENCES users(ident))"
)
db.execute("insert into users values ('sensor', 's1'), ('reader', 's2')")
for row in (("sensor", "a", 1, 0), ("sensor", "*", 1, 0), ("reader", "*", 0, 1), ("reader", "b", 1, 1), ("gone", "a", 1, 1)):
    db.execute("insert into permissions (ident, channel, can_pub, can_sub) values (?, ?, ?, ?)", row)
db.close()
