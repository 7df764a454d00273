/* Connecting, databases, collections, users. */
"use strict";

const { Database } = require("arangojs");
const { URL, PASSWORD, same, fails, connect: open, database } = require("./world");

async function connect() {
  const db = open("_system");
  const version = await db.version(true);
  same([version.server, version.license], ["arango", "community"]);
  same(version.details.role, "SINGLE");
  same((await db.engine()).name, "rocksdb");
  same((await db.status()).serverInfo.role, "SINGLE");
  same(await db.availability(), "default");
  same((await db.time()) > 1.7e9, true);
  same((await db.get()).name, "_system");

  const token = await open("_system", null).login("root", PASSWORD);
  const bearer = new Database({ url: URL, auth: { token } });
  same((await bearer.version()).version, version.version);
  same(typeof (await bearer.renewAuthToken()), "string");
  same((await bearer.version()).version, version.version);

  await fails(401, 11, open("_system", "root", "wrong").version());
  await fails(401, 401, open("_system").login("root", "wrong"));
  await fails(404, 1228, open("nowhere").get());
}

async function databases() {
  const system = open("_system");
  same(await system.database("js_market").exists(), false);
  const users = [{ username: "js_m", passwd: "m", active: true, extra: { desk: 7 } }];
  const created = await system.createDatabase("js_market", { users });
  same(await created.exists(), true);
  same((await system.databases()).map((d) => d.name).includes("js_market"), true);
  await fails(409, 1207, system.createDatabase("js_market"));
  await fails(400, 1229, system.createDatabase("1 / bad"));
  const db = open("js_market", "js_m", "m");
  const about = await db.get();
  same([about.name, about.isSystem, typeof about.id], ["js_market", false, "string"]);
  same(await db.listUserDatabases(), ["js_market"]);
  same((await system.getUser("js_m")).extra, { desk: 7 });
  same(await system.dropDatabase("js_market"), true);
  await fails(404, 1228, system.dropDatabase("js_market"));
  await system.removeUser("js_m");
}

async function collections() {
  const db = await database("collections");
  const keyOptions = { type: "autoincrement", increment: 5, offset: 10, allowUserKeys: true };
  const trades = await db.createCollection("trades", { waitForSync: true, keyOptions });
  const edges = await db.createEdgeCollection("edges");
  await fails(409, 1207, db.createCollection("trades"));
  await fails(400, 1208, db.createCollection("1 bad"));
  same((await db.listCollections()).map((c) => [c.name, c.type]).sort(), [["edges", 3], ["trades", 2]]);
  same((await db.collections()).map((c) => c.name).sort(), ["edges", "trades"]);
  same([await trades.exists(), await db.collection("none").exists()], [true, false]);
  const properties = await trades.properties();
  same([properties.waitForSync, properties.isSystem, properties.type, properties.status], [true, false, 2, 3]);
  same([properties.keyOptions.type, properties.keyOptions.increment], ["autoincrement", 5]);
  same((await trades.properties({ waitForSync: false })).waitForSync, false);
  same((await edges.get()).type, 3);
  same([(await trades.save({}))._key, (await trades.save({}))._key], ["10", "15"]);
  same([(await trades.count()).count, await trades.recalculateCount()], [2, true]);
  same(typeof (await trades.figures()).figures.indexes.count, "number");
  const { revision } = await trades.revision();
  await trades.save({});
  same((await trades.revision()).revision !== revision, true);
  await trades.truncate();
  same((await trades.count()).count, 0);
  await trades.rename("ticks");
  same([trades.name, await trades.exists()], ["ticks", true]);
  same(await trades.loadIndexes(), true);
  await trades.drop();
  await fails(404, 1203, db.collection("ticks").drop());
  await fails(404, 1203, db.collection("ticks").save({}));
}

async function users() {
  const system = open("_system");
  const db = await database("users");
  await db.createCollection("trades");
  const user = await system.createUser("js_u", { passwd: "p", extra: { desk: 7 } });
  same([user.user, user.active, user.extra], ["js_u", true, { desk: 7 }]);
  await fails(409, 1702, system.createUser("js_u", "p"));
  same((await system.listUsers()).map((u) => u.user).includes("js_u"), true);
  same((await system.updateUser("js_u", { extra: { desk: 8 } })).extra, { desk: 8 });
  await fails(404, 1703, system.getUser("js_nobody"));

  const onDatabase = { database: db.name };
  const onTrades = { database: db.name, collection: "trades" };
  same(await system.getUserAccessLevel("js_u", onDatabase), "none");
  await system.setUserAccessLevel("js_u", onDatabase, "ro");
  same((await system.getUserDatabases("js_u"))[db.name], "ro");
  same((await system.getUserDatabases("js_u", true))[db.name].permission, "ro");
  const own = open(db.name, "js_u", "p").collection("trades");
  same((await own.count()).count, 0);
  await fails(403, 1004, own.save({}));
  await system.setUserAccessLevel("js_u", onTrades, "rw");
  same(await system.getUserAccessLevel("js_u", onTrades), "rw");
  same((await own.save({ _key: "a" }))._key, "a");
  await fails(403, 11, open(db.name, "js_u", "p").createCollection("more"));
  await system.clearUserAccessLevel("js_u", onTrades);
  same(await system.getUserAccessLevel("js_u", onTrades), "ro");

  same((await system.replaceUser("js_u", { passwd: "q", active: false })).active, false);
  await fails(401, 11, own.count());
  await system.removeUser("js_u");
  await fails(404, 1703, system.removeUser("js_u"));
}

module.exports = { connect, databases, collections, users };
