//! A check's question, and what its answer says.

use ota_protocol::check::{CheckReply, CheckRequest, PROTOCOL};
use ota_protocol::release::Release;
use ota_protocol::{Checksum, Code, OrUnknown};
use serde_json::{Value, json};
use url::Url;

use super::app::App;
use super::config::{Config, Dialect};
use crate::error::AgentError;
use crate::lifecycle::BundleId;
use crate::store::Record;

/// The version of Capgo's plugin whose requests ours are exactly like, in its dialect.
const CAPGO_VERSION: &str = "8.51.23";

/// An answer, understood as far as its form goes.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Reply {
    /// The channel's releases, newest first.
    Releases(Vec<OrUnknown<Release>>),
    /// One bundle, by a server that knows only three fields.
    Plain { version: String, url: String, checksum: Option<Checksum> },
    /// Go back to the builtin.
    Builtin,
    /// Nothing is offered.
    Nothing,
}

/// The body of the question.
pub(super) fn question(config: &Config, app: &App, record: &Record) -> Value {
    match config.dialect {
        Dialect::Ota => ours(config, app, record),
        Dialect::Capgo => capgo(config, app, record),
    }
}

fn ours(config: &Config, app: &App, record: &Record) -> Value {
    let channel = record.channel.as_ref().unwrap_or(&config.channel);
    let shown = record.state.current.bundle();
    let builtin = app.stamp.map(|stamp| stamp.root);
    let request = CheckRequest {
        version_build: record.version_of(shown),
        channel: channel.clone(),
        protocol: PROTOCOL,
        app_id: config.app_id.clone().or_else(|| app.id.clone()),
        platform: app.platform.clone(),
        native_version: Some(app.native_version.clone()),
        native_build: Some(app.native_build.clone()).filter(|build| !build.is_empty()),
        root: shown.root().or(builtin.filter(|_| shown.is_builtin())),
        // Patches come later; a server sends none to who holds no base.
        bases: Vec::new(),
        floor: record.floors.get(channel).map_or(0, |floor| floor.sequence),
        built_at: app.stamp.and_then(|stamp| stamp.built_at),
        device_number: record.device_number.filter(|_| config.device_number),
        on_builtin: Some(shown.is_builtin()),
    };
    json!(request)
}

/// Exactly the fields of Capgo's plugin, in its words (`docs/protocol.md`, "Capgo's dialect").
fn capgo(config: &Config, app: &App, record: &Record) -> Value {
    let platform = app.platform.as_ref().map_or("android", |platform| platform.as_str());
    let id = config.app_id.as_ref().or(app.id.as_ref());
    let mut body = json!({
        "platform": platform,
        "device_id": record.device_id.as_deref().unwrap_or_default(),
        "app_id": id.map_or("", |id| id.as_str()),
        "custom_id": "",
        "version_build": app.native_version,
        "version_code": app.native_build,
        "version_os": app.os_version,
        "version_name": record.version_of(record.state.current.bundle()),
        "plugin_version": CAPGO_VERSION,
        "is_emulator": false,
        "is_prod": true,
        "defaultChannel": record.channel.as_ref().unwrap_or(&config.channel),
    });
    if platform == "android" {
        body["install_source"] = json!("");
    }
    body
}

/// Reads an answer. A JSON object that is none of what an update server says is refused, rather than taken for
/// "nothing is offered": that would withdraw an update.
pub(super) fn answer(dialect: Dialect, body: &[u8]) -> Result<Reply, AgentError> {
    let bad = |reason: String| AgentError::Server { code: Code::BadReply, reason };
    let value: Value =
        serde_json::from_slice(body).map_err(|error| bad(format!("the reply is not JSON: {error}")))?;
    let Some(fields) = value.as_object() else { return Err(bad("the reply is not a JSON object".into())) };
    if dialect == Dialect::Capgo
        && let Some(said) = capgo_answer(&value)
    {
        return said;
    }
    let is_known = |key: &String| ["version", "releases"].contains(&key.as_str());
    if !fields.is_empty() && !fields.keys().any(is_known) {
        return Err(bad("the reply has none of a check's fields".into()));
    }
    let reply: CheckReply =
        serde_json::from_value(value).map_err(|error| bad(format!("the reply cannot be read: {error}")))?;
    if reply.is_builtin() {
        return Ok(Reply::Builtin);
    }
    match reply {
        CheckReply { releases: Some(releases), .. } => Ok(Reply::Releases(releases)),
        CheckReply { version: None, .. } => Ok(Reply::Nothing),
        CheckReply { version: Some(version), url: Some(url), checksum, .. } if is_printable(&version) => {
            if dialect == Dialect::Capgo && checksum.is_none() {
                return Err(bad("the reply has no checksum".into()));
            }
            Ok(Reply::Plain { version, url, checksum })
        }
        CheckReply { .. } => Err(bad("the reply has a version and no usable url".into())),
    }
}

/// Versions of foreign servers need not follow our rule, only stay printable.
fn is_printable(version: &str) -> bool {
    !version.is_empty() && version.len() <= 256 && !version.chars().any(char::is_control)
}

/// What only Capgo's dialect has: `kind` and `error`, encryption, delta bundles.
fn capgo_answer(value: &Value) -> Option<Result<Reply, AgentError>> {
    let text = |key: &str| value.get(key).and_then(Value::as_str).unwrap_or_default();
    if value.get("kind").is_some() || value.get("error").is_some() {
        return Some(match text("kind") {
            "up_to_date" | "blocked" => Ok(Reply::Nothing),
            _ => {
                let reason = format!("the server says: {} {}", text("error"), text("message"));
                Err(AgentError::Server { code: Code::ServerError, reason })
            }
        });
    }
    if !text("session_key").is_empty() {
        let reason = "the bundle is encrypted with Capgo's encryption".to_owned();
        return Some(Err(AgentError::Server { code: Code::CapgoEncryptionUnsupported, reason }));
    }
    None
}

/// An artifact's address, which may be relative to the check's.
pub(super) fn resolve(base: &Url, url: &str) -> Result<Url, AgentError> {
    base.join(url).map_err(|error| AgentError::Server {
        code: Code::BadReply,
        reason: format!("the bundle's url cannot be read: {error}"),
    })
}

/// The bundle shown, as the page and the log call it.
pub(super) fn shown(record: &Record) -> (BundleId, String) {
    let bundle = record.state.current.bundle();
    (bundle, record.version_of(bundle))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> Result<Reply, Code> {
        answer(Dialect::Ota, text.as_bytes()).map_err(|error| error.code())
    }

    fn capgo(text: &str) -> Result<Reply, Code> {
        answer(Dialect::Capgo, text.as_bytes()).map_err(|error| error.code())
    }

    const UPDATE: &str = r#"{"version":"2","url":"https://x/b.zip",
        "checksum":"4420a603ca0c616ab1d4cb94af3023f67f7efe2638863343e9119711256e8f7b"}"#;

    #[test]
    fn the_plain_three_fields_are_enough() {
        assert!(matches!(read(UPDATE), Ok(Reply::Plain { .. })));
        assert_eq!(read("{}"), Ok(Reply::Nothing));
        assert_eq!(read(r#"{"version":"builtin"}"#), Ok(Reply::Builtin));
        assert_eq!(read(r#"{"version":"builtin","releases":[]}"#), Ok(Reply::Builtin));
    }

    #[test]
    fn what_is_not_an_update_servers_answer_is_refused() {
        for text in [
            "",
            "<html>",
            "[]",
            "null",
            r#"{"status":"ok"}"#,
            r#"{"version":"2"}"#,
            r#"{"version":7}"#,
            r#"{"version":"2","url":"https://x","checksum":"short"}"#,
            r#"{"releases":{}}"#,
        ] {
            assert_eq!(read(text), Err(Code::BadReply), "{text}");
        }
    }

    #[test]
    fn capgos_words_are_understood() {
        assert_eq!(capgo(r#"{"kind":"up_to_date","error":"no_new_version_available"}"#), Ok(Reply::Nothing));
        assert_eq!(
            capgo(r#"{"kind":"blocked","error":"disable_auto_update_to_major","version":"3"}"#),
            Ok(Reply::Nothing)
        );
        assert_eq!(capgo(r#"{"error":"no_channel","message":"m"}"#), Err(Code::ServerError));
        assert_eq!(capgo(r#"{"version":"builtin"}"#), Ok(Reply::Builtin));
        assert!(matches!(capgo(UPDATE), Ok(Reply::Plain { .. })));
        assert_eq!(capgo(r#"{"version":"2","url":"https://x"}"#), Err(Code::BadReply));
        let encrypted = UPDATE.replace("\"version\"", "\"session_key\":\"a:b\",\"version\"");
        assert_eq!(capgo(&encrypted), Err(Code::CapgoEncryptionUnsupported));
    }
}
