"""Connecting, databases, collections, users."""

import arango
from arango import exceptions as e
from world import PASSWORD, URL, database, fails, same, system


def connect():
    client = arango.ArangoClient(hosts=URL)
    for method in ("basic", "jwt"):
        db = client.db("_system", username="root", password=PASSWORD, auth_method=method, verify=True)
        same(db.name, "_system")
        same(db.version(), db.version(details=True)["version"])
        same(db.details()["role"], "SINGLE")
        same(db.engine()["name"], "rocksdb")
        same(db.status()["server_info"]["role"], "SINGLE")
        same(db.role(), "SINGLE")
        same(db.time().year >= 2024, True)
    fails(401, 11, e.ServerConnectionError, client.db, "_system", username="root", password="wrong", verify=True)
    fails(401, 401, e.JWTAuthError, client.db, "_system", username="root", password="wrong", auth_method="jwt")
    fails(404, 1228, e.ServerConnectionError, client.db, "nowhere", username="root", password=PASSWORD,
          verify=True)
    token = client.db("_system", username="root", password=PASSWORD, auth_method="jwt")._conn._token
    same(client.db("_system", user_token=token, verify=True).name, "_system")


def databases():
    sys_db = system()
    same(sys_db.has_database("py_market"), False)
    same(sys_db.create_database("py_market", users=[{"username": "py_m", "password": "m", "active": True}]), True)
    same(sys_db.has_database("py_market"), True)
    same({"_system", "py_market"} <= set(sys_db.databases()), True)
    fails(409, 1207, e.DatabaseCreateError, sys_db.create_database, "py_market")
    fails(400, 1229, e.DatabaseCreateError, sys_db.create_database, "1 / bad")
    db = arango.ArangoClient(hosts=URL).db("py_market", username="py_m", password="m", verify=True)
    properties = db.properties()
    same((properties["name"], properties["system"]), ("py_market", False))
    same(db.databases_accessible_to_user(), ["py_market"])
    same(sys_db.delete_database("py_market"), True)
    fails(404, 1228, e.DatabaseDeleteError, sys_db.delete_database, "py_market")
    same(sys_db.delete_database("py_market", ignore_missing=True), False)
    sys_db.delete_user("py_m")


def collections():
    db = database("collections")
    trades = db.create_collection("trades", sync=True, key_generator="autoincrement", key_increment=5,
                                  key_offset=10)
    edges = db.create_collection("edges", edge=True)
    fails(409, 1207, e.CollectionCreateError, db.create_collection, "trades")
    fails(400, 1208, e.CollectionCreateError, db.create_collection, "1 bad")
    same({c["name"]: c["type"] for c in db.collections() if not c["system"]},
         {"trades": "document", "edges": "edge"})
    properties = trades.properties()
    same((properties["name"], properties["sync"], properties["system"], properties["edge"]),
         ("trades", True, False, False))
    options = properties["key_options"]
    same((options["key_generator"], options["key_increment"], options["key_offset"]), ("autoincrement", 5, 10))
    same(trades.configure(sync=False)["sync"], False)
    same(edges.properties()["edge"], True)
    same([trades.insert({})["_key"] for _ in range(3)], ["10", "15", "20"])
    same((trades.count(), len(trades), trades.recalculate_count()), (3, 3, True))
    same(isinstance(trades.statistics()["indexes"]["count"], int), True)
    revision = trades.revision()
    trades.insert({})
    same(trades.revision() != revision, True)
    same(trades.truncate(), True)
    same(trades.count(), 0)
    same(trades.rename("ticks"), True)
    same((db.has_collection("trades"), db.has_collection("ticks")), (False, True))
    same(db.collection("ticks").info()["name"], "ticks")
    same(db.delete_collection("ticks"), True)
    fails(404, 1203, e.CollectionDeleteError, db.delete_collection, "ticks")
    fails(404, 1203, e.DocumentInsertError, db.collection("ticks").insert, {})


def users():
    sys_db, db = system(), database("users")
    db.create_collection("trades")
    same(sys_db.create_user("py_u", password="p", extra={"desk": 7}),
         {"username": "py_u", "active": True, "extra": {"desk": 7}})
    fails(409, 1702, e.UserCreateError, sys_db.create_user, "py_u")
    same((sys_db.has_user("py_u"), sys_db.has_user("py_nobody")), (True, False))
    same("py_u" in [u["username"] for u in sys_db.users()], True)
    same(sys_db.update_user("py_u", extra={"desk": 8})["extra"], {"desk": 8})
    same(sys_db.user("py_u")["extra"], {"desk": 8})

    same(sys_db.permission("py_u", db.name), "none")
    same(sys_db.update_permission("py_u", "ro", db.name), True)
    same(sys_db.permissions("py_u")[db.name]["permission"], "ro")
    own = arango.ArangoClient(hosts=URL).db(db.name, username="py_u", password="p", verify=True)
    same(own.collection("trades").count(), 0)
    fails(403, 1004, e.DocumentInsertError, own.collection("trades").insert, {})
    same(sys_db.update_permission("py_u", "rw", db.name, "trades"), True)
    same(sys_db.permission("py_u", db.name, "trades"), "rw")
    same(own.collection("trades").insert({"_key": "a"})["_key"], "a")
    fails(403, 11, e.CollectionCreateError, own.create_collection, "more")
    same(sys_db.reset_permission("py_u", db.name, "trades"), True)
    same(sys_db.permission("py_u", db.name, "trades"), "ro")

    same(sys_db.replace_user("py_u", password="q", active=False)["active"], False)
    fails(401, 11, e.DocumentCountError, own.collection("trades").count)
    same(sys_db.delete_user("py_u"), True)
    fails(404, 1703, e.UserDeleteError, sys_db.delete_user, "py_u")
    same(sys_db.delete_user("py_u", ignore_missing=True), False)
