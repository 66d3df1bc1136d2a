-- One value each: the app that the server serves, the server's own id.
CREATE TABLE settings (
    name  TEXT NOT NULL PRIMARY KEY,
    value TEXT NOT NULL
) STRICT;

CREATE TABLE users (
    name          TEXT    NOT NULL PRIMARY KEY,
    password_hash TEXT    NOT NULL,
    -- Raised with every change of the password: tokens of an earlier epoch are void.
    token_epoch   INTEGER NOT NULL,
    created_at    INTEGER NOT NULL
) STRICT;

CREATE TABLE deploy_tokens (
    id         TEXT    NOT NULL PRIMARY KEY,
    name       TEXT    NOT NULL,
    hash       TEXT    NOT NULL,  -- SHA-256 of the token; 256 random bits need no slow hash
    app_id     TEXT,              -- null: any
    channels   TEXT    NOT NULL,  -- JSON array; empty: all
    actions    TEXT    NOT NULL,  -- JSON array
    created_at INTEGER NOT NULL,
    expires_at INTEGER,           -- null: never
    revoked_at INTEGER
) STRICT;

CREATE TABLE history (
    -- Order of publication; never used twice.
    id          INTEGER PRIMARY KEY AUTOINCREMENT,
    channel     TEXT    NOT NULL,
    version     TEXT    NOT NULL,
    -- Unique for deleted rows too: a key never serves the bytes of another pair.
    filename    TEXT    NOT NULL UNIQUE,
    uploaded_at INTEGER NOT NULL,
    checksum    TEXT    NOT NULL,
    size        INTEGER NOT NULL,
    -- Of its latest issue. A channel's active release is the offered row with the highest.
    sequence    INTEGER NOT NULL,
    document    TEXT,              -- the release document as JSON; null for an Android package
    audience    TEXT    NOT NULL,  -- systems and native range, as one word
    complete    INTEGER NOT NULL,  -- 1: reaches every device of its audience
    withdrawn   INTEGER NOT NULL DEFAULT 0,  -- 1: the channel was rolled back past it
    missing     INTEGER NOT NULL DEFAULT 0,  -- 1: its bytes were lost
    deleted_at  INTEGER,           -- set: kept so that the version takes only its old bytes again
    UNIQUE (channel, version)
) STRICT;
CREATE INDEX history_newest ON history (channel, id);
CREATE INDEX history_checksum ON history (checksum);
CREATE INDEX history_offered ON history (channel, sequence)
    WHERE deleted_at IS NULL AND withdrawn = 0 AND missing = 0;
CREATE INDEX history_audience ON history (channel, audience)
    WHERE deleted_at IS NULL AND withdrawn = 0 AND missing = 0 AND complete = 1;

-- The highest sequence each channel ever had; deletions do not lower it.
CREATE TABLE sequences (
    channel TEXT    NOT NULL PRIMARY KEY,
    highest INTEGER NOT NULL
) STRICT;

-- When a bundle was first published in a channel; stays when it is issued again or deleted.
CREATE TABLE first_published (
    channel    TEXT    NOT NULL,
    root       TEXT    NOT NULL,
    created_at INTEGER NOT NULL,
    PRIMARY KEY (channel, root)
) STRICT;
