/* Documents: single, many, and their revisions. */
"use strict";

const { same, fails, database, plain } = require("./world");

async function documents() {
  const db = await database("documents");
  const c = await db.createCollection("c");
  const meta = await c.save({ _key: "a", x: 1.5, s: "\u20ac\n\"", n: null });
  same([meta._id, meta._key], ["c/a", "a"]);
  same({ ...(await c.document("a")) }, { ...meta, x: 1.5, s: "\u20ac\n\"", n: null });
  same(await c.document("none", true), null);
  await fails(404, 1202, c.document("none"));
  same([await c.documentExists("a"), await c.documentExists("none")], [true, false]);
  await fails(409, 1210, c.save({ _key: "a" }));
  await fails(400, 1221, c.save({ _key: "a b" }));

  same(plain((await c.save({ x: 1 }, { returnNew: true })).new), { x: 1 });
  same(await c.save({ _key: "quiet" }, { silent: true }), undefined);
  same((await c.save({ _key: "a", y: 2 }, { overwriteMode: "ignore" }))._rev, meta._rev);
  const whole = { overwriteMode: "replace", returnOld: true, returnNew: true };
  let got = await c.save({ _key: "a", o: { p: 1 }, n: 1 }, whole);
  same([got._oldRev, got.old.x, plain(got.new)], [meta._rev, 1.5, { o: { p: 1 }, n: 1 }]);
  const patch = { _key: "a", o: { q: 2 }, n: null };
  got = await c.save(patch, { overwriteMode: "update", keepNull: false, returnNew: true });
  same(plain(got.new), { o: { p: 1, q: 2 } });
  got = await c.save(patch, { overwriteMode: "update", keepNull: true, mergeObjects: false, returnNew: true });
  same(plain(got.new), { o: { q: 2 }, n: null });

  got = await c.update("a", { o: { r: null }, n: null }, { keepNull: false, returnNew: true, returnOld: true });
  same([plain(got.old), plain(got.new)], [{ o: { q: 2 }, n: null }, { o: { q: 2 } }]);
  got = await c.update("c/a", { o: { z: 0 } }, { mergeObjects: false, returnNew: true });
  same(plain(got.new), { o: { z: 0 } });
  same(plain((await c.replace("a", { v: 1 }, { returnNew: true })).new), { v: 1 });
  same(await c.replace("a", { v: 2 }, { silent: true }), undefined);
  await fails(404, 1202, c.update("none", {}));
  await fails(404, 1202, c.replace("none", {}));
  same(plain((await c.remove("a", { returnOld: true })).old), { v: 2 });
  await fails(404, 1202, c.remove("a"));

  await c.save({ _key: "v", seq: 5 }, { versionAttribute: "seq" });
  await c.save({ _key: "v", seq: 4 }, { overwriteMode: "replace", versionAttribute: "seq" });
  same((await c.document("v")).seq, 5);
  await c.update("v", { seq: 4, late: 1 }, { versionAttribute: "seq" });
  same(plain(await c.document("v")), { seq: 5 });

  const edges = await db.createEdgeCollection("e");
  same((await edges.save({ _key: "1", _from: "c/v", _to: "c/quiet" }))._id, "e/1");
  same((await edges.document("1"))._to, "c/quiet");
  await fails(400, 1233, edges.save({ _from: "c/v" }));
  const key = "a:b%41+c@(d)!$*'=;,";
  await c.save({ _key: key, v: 1 });
  same(plain(await c.document(key)), { v: 1 });
}

const numbers = (results) => results.map((r) => r.errorNum || 0);

async function arrays() {
  const c = await (await database("arrays")).createCollection("c");
  let got = await c.saveAll([{ _key: "0", v: 0 }, { _key: "1", v: 1 }, { _key: "1" }, { _key: "a b" }]);
  same(numbers(got), [0, 0, 1210, 1221]);
  same(got[2].errorMessage.startsWith("unique constraint violated"), true);
  same(await c.saveAll([{}, {}], { silent: true }), undefined);
  got = await c.saveAll([{ v: 1 }, { v: 2 }], { returnNew: true });
  same(got.map((r) => plain(r.new)), [{ v: 1 }, { v: 2 }]);
  const merged = { overwriteMode: "update", keepNull: true, returnNew: true, returnOld: true };
  got = await c.saveAll([{ _key: "0", w: 1 }, { _key: "1", v: null }], merged);
  same(got.map((r) => plain(r.new)), [{ v: 0, w: 1 }, { v: null }]);
  same(got.map((r) => plain(r.old)), [{ v: 0 }, { v: 1 }]);
  got = await c.updateAll([{ _key: "0", v: null }, { _key: "none" }], { keepNull: false, returnNew: true });
  same([plain(got[0].new), numbers(got)], [{ w: 1 }, [0, 1202]]);
  got = await c.replaceAll([{ _key: "0", r: 0 }, { _key: "none" }], { returnOld: true });
  same([plain(got[0].old), numbers(got)], [{ w: 1 }, [0, 1202]]);
  got = await c.documents(["0", { _key: "1" }, "none"]);
  same([got.map((d) => d._key), numbers(got)], [["0", "1", undefined], [0, 0, 1202]]);
  got = await c.removeAll(["0", { _key: "none" }], { returnOld: true });
  same([plain(got[0].old), numbers(got)], [{ r: 0 }, [0, 1202]]);
  same((await c.count()).count, 5);
  same(await c.removeAll(["1"], { silent: true }), undefined);
}

async function revisions() {
  const c = await (await database("revisions")).createCollection("c");
  const first = await c.save({ _key: "a", v: 1 });
  const second = await c.update("a", { v: 2 }, { ifMatch: first._rev });
  same(second._oldRev, first._rev);
  const why = await fails(412, 1200, c.update("a", { v: 3 }, { ifMatch: first._rev }));
  same(why.response.parsedBody._rev, second._rev);
  await fails(412, 1200, c.replace("a", { v: 3 }, { ifMatch: first._rev }));
  await fails(412, 1200, c.remove("a", { ifMatch: first._rev }));
  await fails(412, 1200, c.document("a", { ifMatch: first._rev }));
  await fails(304, undefined, c.document("a", { ifNoneMatch: second._rev }));
  same([await c.documentExists("a", { ifMatch: second._rev })], [true]);
  await fails(412, 1200, c.update("a", { _rev: first._rev }, { ignoreRevs: false }));
  const stale = [{ _key: "a", _rev: first._rev, v: 3 }];
  same(numbers(await c.updateAll(stale, { ignoreRevs: false })), [1200]);
  same(numbers(await c.replaceAll(stale, { ignoreRevs: false })), [1200]);
  same((await c.updateAll(stale))[0]._oldRev, second._rev);
  same((await c.document("a")).v, 3);
}

module.exports = { documents, arrays, revisions };
