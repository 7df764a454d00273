/* What all parts share: a client, a database of their own, comparing and counting. */
"use strict";

const assert = require("assert");
const { Database } = require("arangojs");

const URL = process.env.STORE_URL;
const PASSWORD = process.env.STORE_PASSWORD;

let counted = 0;

/* Throw unless both are deeply equal. */
function same(got, want) {
  counted += 1;
  assert.deepStrictEqual(got, want);
}

/* @promise is rejected with this HTTP status and ArangoDB error number; resolves to the error. */
async function fails(code, errorNum, promise) {
  let got;
  try {
    got = await promise;
  } catch (why) {
    same([why.code, why.errorNum], [code, errorNum]);
    return why;
  }
  throw new Error(`expected error ${errorNum}, got ${JSON.stringify(got)}`);
}

function connect(name, username = "root", password = PASSWORD) {
  return new Database({ url: URL, databaseName: name, auth: { username, password } });
}

/* A new database; the name tells driver and part. */
async function database(name) {
  await connect("_system").createDatabase(`js_${name}`);
  return connect(`js_${name}`);
}

/* The attributes that are the user's own. */
function plain(doc) {
  return Object.fromEntries(Object.entries(doc).filter(([k]) => !k.startsWith("_")));
}

module.exports = { URL, PASSWORD, same, fails, connect, database, plain, counted: () => counted };
