-- A database as the first version left it. Never edit: it stands for what users have.
BEGIN TRANSACTION;
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
INSERT INTO "deploy_tokens" VALUES('f510571ef86e','ci','1982b6a5fd90b8167d78353f1e30b3055efe6a973c8a70071053fc7f62b85f88',NULL,'["beta"]','["upload","read"]',1795519334,1827055334,NULL);
CREATE TABLE first_published (
    channel    TEXT    NOT NULL,
    root       TEXT    NOT NULL,
    created_at INTEGER NOT NULL,
    PRIMARY KEY (channel, root)
) STRICT;
INSERT INTO "first_published" VALUES('stable','d082abbb96fd00d7bb8e7fe634ae2f61ae84a6837c193eae04fcfa0bc0f885e8',1795519334);
INSERT INTO "first_published" VALUES('stable','d329e04192bfb4015a5bb23d4c7fa05e77bf71edc5812aee2e983e4db037bfdf',1795519334);
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
INSERT INTO "history" VALUES(1,'stable','1.0.0','stable-1.0.0.zip',1795519334,'081ad6bbcfc31d6fae06c8be5d9a14871ec25645dad2facb767400a9ce926931',125,1795519334,'{"channel":"stable","version":"1.0.0","sequence":1795519334,"kind":"release","root":"d082abbb96fd00d7bb8e7fe634ae2f61ae84a6837c193eae04fcfa0bc0f885e8","unpacked_size":5,"files":1,"artifacts":[{"kind":"zip","size":125,"checksum":"081ad6bbcfc31d6fae06c8be5d9a14871ec25645dad2facb767400a9ce926931"}],"percent":100,"created_at":1795519334,"issued_at":1795519334}','||',1,0,0,NULL);
INSERT INTO "history" VALUES(2,'stable','1.1.0','stable-1.1.0.zip',1795519334,'036554f19aaf59916fb061dd4fd493a2dc813a07bf3a42ef93917cd2b6e72de6',125,1795519336,'{"channel":"stable","version":"1.1.0","sequence":1795519336,"kind":"release","root":"d329e04192bfb4015a5bb23d4c7fa05e77bf71edc5812aee2e983e4db037bfdf","unpacked_size":5,"files":1,"artifacts":[{"kind":"zip","size":125,"checksum":"036554f19aaf59916fb061dd4fd493a2dc813a07bf3a42ef93917cd2b6e72de6"}],"percent":100,"created_at":1795519334,"issued_at":1795519334}','||',1,0,0,NULL);
CREATE TABLE sequences (
    channel TEXT    NOT NULL PRIMARY KEY,
    highest INTEGER NOT NULL
) STRICT;
INSERT INTO "sequences" VALUES('stable',1795519336);
CREATE TABLE settings (
    name  TEXT NOT NULL PRIMARY KEY,
    value TEXT NOT NULL
) STRICT;
INSERT INTO "settings" VALUES('app_id','com.example.app');
INSERT INTO "settings" VALUES('server_id','50135a2ceb54cdf37c0c13e339b2c279');
CREATE TABLE users (
    name          TEXT    NOT NULL PRIMARY KEY,
    password_hash TEXT    NOT NULL,
    -- Raised with every change of the password: tokens of an earlier epoch are void.
    token_epoch   INTEGER NOT NULL,
    created_at    INTEGER NOT NULL
) STRICT;
INSERT INTO "users" VALUES('admin','$argon2id$v=19$m=19456,t=2,p=1$l+eozeYbzAzZmuRPWI2WdA$fwmgEs6mAKbs2Ta9Dh8NvmYAPwjXf/DUOL+3yt7SW8o',1795519332,1795519332);
CREATE INDEX history_newest ON history (channel, id);
CREATE INDEX history_checksum ON history (checksum);
CREATE INDEX history_offered ON history (channel, sequence)
    WHERE deleted_at IS NULL AND withdrawn = 0 AND missing = 0;
CREATE INDEX history_audience ON history (channel, audience)
    WHERE deleted_at IS NULL AND withdrawn = 0 AND missing = 0 AND complete = 1;
DELETE FROM "sqlite_sequence";
INSERT INTO "sqlite_sequence" VALUES('history',2);
COMMIT;
PRAGMA user_version = 1;
