/* Imports, indexes and cursors. */
"use strict";

const { aql } = require("arangojs");
const { same, fails, database, plain } = require("./world");

const range = (n, step = 1, from = 0) => Array.from({ length: n }, (_, i) => from + i * step);

const tally = ({ created, errors, empty, updated, ignored }) => [created, errors, empty, updated, ignored];

async function imports() {
  const db = await database("imports");
  const c = await db.createCollection("c");
  const rows = range(100).map((i) => ({ _key: String(i), v: i }));
  same(tally(await c.import(rows)), [100, 0, 0, 0, 0]);
  same(tally(await c.import(rows, { onDuplicate: "replace" })), [0, 0, 0, 100, 0]);
  same(tally(await c.import(rows, { onDuplicate: "ignore" })), [0, 0, 0, 0, 100]);
  same(tally(await c.import([{ _key: "1", w: 1 }], { onDuplicate: "update" })), [0, 0, 0, 1, 0]);
  same(plain(await c.document("1")), { v: 1, w: 1 });
  let got = await c.import([{ _key: "1" }, { _key: "new" }], { details: true });
  same([tally(got), got.details.length], [[1, 1, 0, 0, 0], 1]);
  same(got.details[0].includes("unique constraint violated"), true);
  await fails(409, 1210, c.import([{ _key: "no" }, { _key: "1" }], { complete: true }));
  same(await c.documentExists("no"), false);
  got = await c.import('{"_key":"l1"}\n\n{"_key":"l2"}\n', { type: "documents" });
  same(tally(got), [2, 0, 1, 0, 0]);
  same(tally(await c.import('[{"_key":"l3"}]', { type: "list" })), [1, 0, 0, 0, 0]);
  same(tally(await c.import([["_key", "v"], ["t1", 1], ["t2", 2]])), [2, 0, 0, 0, 0]);
  same(plain(await c.document("t2")), { v: 2 });
  same(tally(await c.import(rows.slice(0, 7), { overwrite: true })), [7, 0, 0, 0, 0]);
  same((await c.count()).count, 7);
  const edges = await db.createEdgeCollection("e");
  await edges.import([{ _key: "1", _from: "1", _to: "2" }], { fromPrefix: "c", toPrefix: "c" });
  same((await edges.document("1"))._from, "c/1");
}

async function indexes() {
  const c = await (await database("indexes")).createCollection("c");
  const byTime = { type: "persistent", fields: ["symbol", "ts"], unique: true, name: "by_time" };
  const made = await c.ensureIndex(byTime);
  same([made.type, made.fields, made.unique, made.sparse], ["persistent", ["symbol", "ts"], true, false]);
  same([made.name, made.isNewlyCreated], ["by_time", true]);
  const again = await c.ensureIndex(byTime);
  same([again.id, again.isNewlyCreated], [made.id, false]);
  const other = await c.ensureIndex({ type: "persistent", fields: ["v"], sparse: true, inBackground: true });
  same([other.sparse, other.unique, other.name.startsWith("idx_")], [true, false, true]);
  const expiring = { type: "ttl", fields: ["expires"], expireAfter: 3600 };
  same((await c.ensureIndex(expiring)).expireAfter, 3600);
  same((await c.ensureIndex(expiring)).isNewlyCreated, false);
  await fails(400, 10, c.ensureIndex({ type: "ttl", fields: ["later"], expireAfter: 1 }));
  same((await c.indexes()).map((i) => i.type), ["primary", "persistent", "persistent", "ttl"]);
  same((await c.index(other.id)).fields, ["v"]);
  same((await c.index("by_time")).id, made.id);
  await c.save({ _key: "a", symbol: "BTCUSDT", ts: 1 });
  const why = await fails(409, 1210, c.save({ symbol: "BTCUSDT", ts: 1 }));
  same(why.message.includes("by_time") && why.message.includes("conflicting key: a"), true);
  same((await c.dropIndex(other)).id, other.id);
  await fails(404, 1212, c.dropIndex(other.id));
}

async function cursors() {
  const db = await database("cursors");
  const c = await db.createCollection("c");
  await c.import(range(1000).map((i) => ({ _key: `${i}`.padStart(4, "0"), symbol: "AB"[i % 2], ts: i })));
  const query = aql`FOR d IN ${c} FILTER d.symbol == ${"A"} && d.ts >= ${500} SORT d.ts DESC RETURN d.ts`;
  const want = range(250, -2, 998);
  let cursor = await db.query(query, { batchSize: 100, count: true });
  same([cursor.count, cursor.hasNext, cursor.batches.hasMore], [250, true, true]);
  same(await cursor.all(), want);
  const seen = [];
  for await (const ts of await db.query(query, { batchSize: 7, stream: true })) seen.push(ts);
  same(seen, want);
  cursor = await db.query(query, { batchSize: 100, allowRetry: true });
  same(await cursor.batches.map((batch) => batch.length), [100, 100, 50]);

  cursor = await db.query("FOR d IN c FILTER d.ts < 50 LIMIT 5, 10 RETURN d.ts", {}, { fullCount: true });
  same([await cursor.all(), cursor.extra.stats.fullCount], [range(10, 1, 5), 50]);
  same(await (await db.query("RETURN {a: 1, b: [null, true, 1.5, 'x']}")).all(), [{ a: 1, b: [null, true, 1.5, "x"] }]);
  cursor = await db.query("FOR d IN c RETURN d", {}, { batchSize: 10 });
  await cursor.kill();
  same(cursor.hasNext, false);

  for (const [code, num, text, bind] of [
    [400, 1501, "FOR d IN", {}], [400, 1502, "", {}], [404, 1203, "FOR d IN nope RETURN d", {}],
    [400, 1551, "RETURN @x", {}], [400, 1552, "RETURN 1", { x: 1 }], [400, 1540, "RETURN NOPE(1)", {}],
    [400, 1541, "RETURN LENGTH()", {}]])
    await fails(code, num, db.query(text, bind));
}

module.exports = { imports, indexes, cursors };
