"""The tables of one import: what is read, what texts became, and how all of it is laid out."""

from __future__ import annotations

STORED = """
CREATE TABLE IF NOT EXISTS pieces (stretch INTEGER, said BLOB);
CREATE INDEX IF NOT EXISTS by_stretch ON pieces (stretch);
CREATE TABLE IF NOT EXISTS stretches (
    conversation INTEGER, first INTEGER, last INTEGER, number INTEGER, backwards INTEGER,
    counts BLOB, PRIMARY KEY (conversation, first, number)
) WITHOUT ROWID;
"""
VEILED = "CREATE TABLE IF NOT EXISTS veiled (texts BLOB);"
ARRANGED = """
CREATE TABLE sessions (first INTEGER, messages INTEGER, tangled INTEGER);
CREATE TABLE said (key INTEGER PRIMARY KEY);
CREATE TABLE rows (key INTEGER PRIMARY KEY);
"""
