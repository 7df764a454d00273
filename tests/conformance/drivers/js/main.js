/* The normal work of arangojs, in parts: main.js PART. */
"use strict";

const documents = require("./documents");
const queries = require("./queries");
const structure = require("./structure");
const world = require("./world");

const parts = { ...structure, ...documents, ...queries };

parts[process.argv[2]]().then(
  () => console.log(`${world.counted()} checks`),
  (why) => {
    console.error(why);
    process.exitCode = 1;
  }
);
