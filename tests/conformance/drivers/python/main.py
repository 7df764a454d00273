"""The normal work of python-arango, in parts: main.py PART."""

import sys

import documents
import queries
import structure
import world

PARTS = {
    "connect": structure.connect,
    "databases": structure.databases,
    "collections": structure.collections,
    "users": structure.users,
    "documents": documents.single,
    "arrays": documents.arrays,
    "revisions": documents.revisions,
    "imports": queries.imports,
    "indexes": queries.indexes,
    "cursors": queries.cursors,
}

PARTS[sys.argv[1]]()
print(f"{world.counted} checks")
