//! Who may depend on whom. The same table, with the reasons, is in `docs/architecture.md`.

/// What one crate may use.
#[derive(Debug)]
pub(super) struct Row {
    /// The crate.
    pub(super) name: &'static str,
    /// Our crates that it may use, each with the features it may ask for.
    pub(super) may_use: &'static [(&'static str, &'static [&'static str])],
    /// Crates of others that it must not name, since they would break what the crate promises.
    pub(super) never: &'static [&'static str],
    /// One of our crates, and the one module that may use it.
    pub(super) only_in: &'static [(&'static str, &'static str)],
}

/// Pure: neither network nor an executor.
const NO_HTTP_NO_ASYNC: &[&str] = &[
    "reqwest",
    "hyper",
    "ureq",
    "axum",
    "tokio",
    "futures",
    "async-std",
    "smol",
    "rusqlite",
    "uniffi",
    "jni",
];

/// Crates that do not exist yet are listed, so that their first edge is a decision already.
pub(super) const TABLE: &[Row] = &[
    Row { name: "ota-protocol", may_use: &[], never: NO_HTTP_NO_ASYNC, only_in: &[] },
    Row { name: "ota-bundle", may_use: &[("ota-protocol", &[])], never: NO_HTTP_NO_ASYNC, only_in: &[] },
    Row {
        name: "ota-agent",
        may_use: &[("ota-protocol", &[]), ("ota-bundle", &[])],
        never: &["rusqlite", "sqlx", "uniffi", "jni", "axum"],
        only_in: &[],
    },
    Row {
        name: "ota-ffi",
        may_use: &[("ota-agent", &["http"]), ("ota-protocol", &[])],
        never: &["rusqlite", "sqlx", "axum"],
        only_in: &[],
    },
    Row {
        name: "ota-server",
        may_use: &[("ota-protocol", &[]), ("ota-bundle", &["pack"])],
        never: &["uniffi", "jni"],
        only_in: &[],
    },
    Row {
        name: "ota-cli",
        may_use: &[("ota-protocol", &[]), ("ota-bundle", &["pack"]), ("ota-agent", &["http"])],
        never: &["rusqlite", "sqlx", "axum", "uniffi", "jni"],
        only_in: &[("ota-agent", "commands/device")],
    },
    Row {
        name: "ota-sim",
        may_use: &[("ota-ffi", &[]), ("ota-agent", &["test-util", "http"]), ("ota-protocol", &[])],
        never: &["rusqlite", "sqlx", "axum"],
        only_in: &[],
    },
    Row {
        name: "ota-e2e",
        may_use: &[("ota-sim", &[]), ("ota-server", &[]), ("ota-cli", &[]), ("ota-bundle", &["pack"])],
        never: &[],
        only_in: &[],
    },
    Row {
        name: "xtask",
        may_use: &[("ota-agent", &["http"]), ("ota-protocol", &[])],
        never: &[],
        only_in: &[],
    },
];
