//! The check, in the dialects of the three kinds of client. Nothing here waits: the catalog is in memory.

use axum::extract::{Request, State};
use axum::http::{HeaderMap, HeaderValue, header};
use axum::response::{IntoResponse, Response};
use ota_protocol::check::{
    BadQuestion, CapgoReply, CapgoRequest, CheckReply, CheckRequest, MAX_CHECK_BYTES, PlainReply,
    PlainRequest, Question,
};
use ota_protocol::eligibility::{Asker, Choice, Floor, NoMemory, Why, choose};
use ota_protocol::{AppId, Code, NativeVersion, UnixSeconds};

use crate::app::Shared;
use crate::error::ApiError;
use crate::http::{json, read_json};
use crate::metrics::{CheckAnswer, Dialect};
use crate::publishing::{ChannelOffer, Offered};

/// `POST /check` and `POST /api/ota/check`
pub(crate) async fn check(State(app): State<Shared>, request: Request) -> Result<Response, ApiError> {
    let (parts, body) = request.into_parts();
    // Whatever type it is sent as: clients of the plainest kind do not set one, and `curl -d` sets a wrong one.
    let value = read_json(&HeaderMap::new(), body, MAX_CHECK_BYTES).await?;
    let question = Question::read(value).map_err(|error| match error {
        BadQuestion::Name { .. } => ApiError::new(Code::InvalidName, format!("Cannot answer: {error}.")),
        error => ApiError::bad_request(format!("Cannot answer: {error}.")),
    })?;
    let (dialect, app_id, channel) = match &question {
        Question::Agent(asked) => (Dialect::Agent, &asked.app_id, &asked.channel),
        Question::Capgo(asked) => (Dialect::Capgo, &asked.app_id, &asked.channel),
        Question::Plain(asked) => (Dialect::Plain, &asked.app_id, &asked.channel),
    };
    if !app.catalog.serves(app_id.as_ref()) {
        app.metrics.check(dialect, CheckAnswer::Refused);
        let asked = app_id.as_ref().map_or("", AppId::as_str);
        return Err(ApiError::new(Code::UnknownApp, format!("This server does not serve {asked}.")));
    }
    let offer = app.catalog.offer(channel).unwrap_or_default();
    let origin = || app.origin(&parts);
    let (response, answer) = match &question {
        Question::Agent(asked) => agent(asked, &offer, app.clock.now(), origin),
        Question::Capgo(asked) => capgo(asked, &offer, origin),
        Question::Plain(asked) => plain(asked, &offer, origin),
    };
    app.metrics.check(dialect, answer);
    Ok(response)
}

/// The seed's answer: what the channel offers where that differs.
fn plain(asked: &PlainRequest, offer: &ChannelOffer, origin: impl Fn() -> String) -> (Response, CheckAnswer) {
    match offer.plain.as_ref().filter(|offered| offered.version.as_str() != asked.version_build) {
        None => (json(&PlainReply::default()), CheckAnswer::UpToDate),
        Some(Offered { version, checksum, path }) => {
            let url = Some(origin() + path);
            let reply = PlainReply { version: Some(version.clone()), url, checksum: Some(*checksum) };
            (json(&reply), CheckAnswer::Update)
        }
    }
}

fn capgo(
    question: &CapgoRequest,
    offer: &ChannelOffer,
    origin: impl Fn() -> String,
) -> (Response, CheckAnswer) {
    if offer.is_cleared && !question.on_builtin() {
        return (json(&CapgoReply::builtin()), CheckAnswer::Builtin);
    }
    let asker = Asker {
        platform: question.platform.clone(),
        native_version: NativeVersion::parse(&question.native_version),
        ..Asker::default()
    };
    let offered = match choose(&offer.releases, &asker, &NoMemory) {
        Choice::Take(document, _) => offer.offered(document),
        Choice::Builtin(..) | Choice::Nothing(_) => None,
    };
    match offered.filter(|offered| offered.version.as_str() != question.version_name) {
        None => (json(&CapgoReply::up_to_date()), CheckAnswer::UpToDate),
        Some(Offered { version, checksum, path }) => {
            let url = origin() + path;
            let (version, checksum, session_key) = (version.clone(), *checksum, String::new());
            (json(&CapgoReply::Update { version, url, checksum, session_key }), CheckAnswer::Update)
        }
    }
}

fn agent(
    question: &CheckRequest,
    offer: &ChannelOffer,
    now: UnixSeconds,
    origin: impl Fn() -> String,
) -> (Response, CheckAnswer) {
    if offer.is_cleared && !question.is_on_builtin() {
        return (json(&CheckReply::builtin()), CheckAnswer::Builtin);
    }
    let asker = Asker {
        app_id: question.app_id.clone(),
        channel: Some(question.channel.clone()),
        platform: question.platform.clone(),
        native_version: question.native_version.as_deref().and_then(NativeVersion::parse),
        device_number: question.device_number,
        floor: (question.floor > 0).then_some(Floor { sequence: question.floor, root: None }),
        built_at: question.built_at.filter(|built| *built <= now),
        // Bounded when it was published.
        now: None,
    };
    let (offered, answer) = match choose(&offer.releases, &asker, &NoMemory) {
        Choice::Take(document, _) => (offer.offered(document), CheckAnswer::UpToDate),
        Choice::Builtin(_, Some(Why::OlderThanBuiltin)) => (None, CheckAnswer::OlderThanBuiltin),
        Choice::Builtin(..) | Choice::Nothing(_) => (None, CheckAnswer::UpToDate),
    };
    let offered = offered.filter(|offered| offered.version.as_str() != question.version_build);
    let answer = if offered.is_some() { CheckAnswer::Update } else { answer };
    (with_releases(offered, &offer.releases_json, origin), answer)
}

/// The seed's three fields, if any, and the releases, which are JSON already. Names, hashes, paths and origins hold
/// nothing that JSON would escape.
fn with_releases(offered: Option<&Offered>, releases: &str, origin: impl Fn() -> String) -> Response {
    let releases = if releases.is_empty() { "[]" } else { releases };
    let text = match offered {
        None => format!(r#"{{"releases":{releases}}}"#),
        Some(Offered { version, checksum, path }) => {
            let origin = origin();
            format!(
                r#"{{"version":"{version}","url":"{origin}{path}","checksum":"{checksum}","releases":{releases}}}"#
            )
        }
    };
    ([(header::CONTENT_TYPE, HeaderValue::from_static("application/json"))], text).into_response()
}
