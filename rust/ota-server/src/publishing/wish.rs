//! What a publisher asks for: an upload's fields and its release document, put together and checked.

use ota_protocol::check::BUILTIN;
use ota_protocol::release::{Kind, ReleaseDocument};
use ota_protocol::{AppId, Channel, Checksum, Code, NativeRange, Percent, Platform, UnixSeconds, Version};
use serde_json::{Map, Value};

use super::form::Form;
use super::offers::is_word;
use crate::error::ApiError;

/// The most systems, and critical names, a release may list.
const MOST_WORDS: usize = 16;

/// A release as its publisher wants it, before the server has looked at the bytes.
#[derive(Debug)]
pub(crate) struct Wish {
    /// What the document says, or one made of the single fields; `sequence` 0: the server's choice.
    pub(crate) document: ReleaseDocument,
    /// SHA-256 of the zip.
    pub(crate) checksum: Checksum,
    /// Whoever has not seen this release applies it at once.
    pub(crate) mandatory: bool,
}

/// Says that a field of the form and the document disagree.
fn contradiction(name: &str) -> ApiError {
    ApiError::bad_request(format!(
        "Field {name} and the document's {name} differ; leave the field out, or make them the same."
    ))
}

/// The document's value, or the field's where the document has none; different ones are refused.
fn agreed<T: PartialEq>(name: &str, document: Option<T>, field: Option<T>) -> Result<Option<T>, ApiError> {
    match (document, field) {
        (Some(document), Some(field)) if document != field => Err(contradiction(name)),
        (Some(value), _) | (None, Some(value)) => Ok(Some(value)),
        (None, None) => Ok(None),
    }
}

/// A channel, version or app id of the form.
fn name<T>(form: &Form, field: &str) -> Result<Option<T>, ApiError>
where
    T: TryFrom<String, Error = ota_protocol::InvalidName>,
{
    Ok(form.get(field).map(|text| T::try_from(text.to_owned())).transpose()?)
}

/// The SHA-256 that every upload must state: bytes that were damaged on the way are never recorded.
pub(crate) fn stated_checksum(form: &Form) -> Result<Option<Checksum>, ApiError> {
    form.read("checksum", "the SHA-256 of the file, 64 hex digits")
}

/// The version that every upload must state.
pub(crate) fn missing(field: &str, what: &str) -> ApiError {
    ApiError::bad_request(format!("Field {field} is missing: send {what}."))
}

impl Wish {
    /// Puts the fields together.
    ///
    /// # Errors
    /// A missing or contradicting field is `bad_request`; names outside their rule `invalid_name`; channel `apk`
    /// `reserved_channel`.
    pub(crate) fn read(form: &Form, now: UnixSeconds) -> Result<Self, ApiError> {
        if form.get("envelope").is_some() {
            return Err(ApiError::bad_request(
                "signed releases are not supported by this server version yet",
            ));
        }
        let given = form.get("document").map(given).transpose()?.unwrap_or_default();
        let has = |name: &str| given.get(name).is_some_and(|value| !value.is_null());

        let version: Version = agreed("version", text(&given, "version")?, name(form, "version")?)?
            .ok_or_else(|| missing("version", "what the release is called, such as 1.2.0"))?;
        let channel: Channel =
            agreed("channel", text(&given, "channel")?, name(form, "channel")?)?.unwrap_or_default();
        let app_id: Option<AppId> = agreed("app_id", text(&given, "app_id")?, name(form, "app_id")?)?;
        if channel.is_apk() {
            return Err(ApiError::of(Code::ReservedChannel));
        }
        if version.as_str() == BUILTIN {
            // In a check's answer the word means "go back to the builtin", to every kind of client.
            return Err(ApiError::plain(
                Code::InvalidName,
                "No release can be called builtin: devices would go back to what their app shipped with. Use another \
                 version.",
            ));
        }

        let mut document = document(given.clone(), &channel, &version)?;
        document.app_id = app_id;
        let range = NativeRange {
            min: form.get("native_min").map(str::to_owned),
            max: form.get("native_max").map(str::to_owned),
        };
        document.native = NativeRange {
            min: agreed("native_min", document.native.min, range.min)?,
            max: agreed("native_max", document.native.max, range.max)?,
        };
        let platforms: Vec<_> = form.platforms().iter().cloned().map(Platform::from).collect();
        let platforms = (!platforms.is_empty()).then_some(platforms).map(sorted);
        document.platforms =
            agreed("platforms", has("platforms").then(|| sorted(document.platforms)), platforms)?
                .unwrap_or_default();
        let percent = form.read::<Percent>("percent", "a number from 0 to 100 with at most two decimals")?;
        document.percent =
            agreed("percent", has("percent").then_some(document.percent), percent)?.unwrap_or_default();
        let retry = form.get("retry").map(|_| form.flag("retry")).transpose()?;
        document.retry = agreed("retry", has("retry").then_some(document.retry), retry)?.unwrap_or_default();
        check(&document, now)?;

        let in_document = document.zip().map(|zip| zip.checksum);
        let checksum = agreed("checksum", in_document, stated_checksum(form)?)?
            .ok_or_else(|| missing("checksum", "the SHA-256 of the file, 64 hex digits"))?;
        let mandatory = form.flag("mandatory")? && document.mandatory_since.is_none();
        Ok(Self { document, checksum, mandatory })
    }
}

fn sorted(mut platforms: Vec<Platform>) -> Vec<Platform> {
    platforms.sort_unstable();
    platforms.dedup();
    platforms
}

fn given(text: &str) -> Result<Map<String, Value>, ApiError> {
    serde_json::from_str(text).map_err(|error| {
        ApiError::bad_request(format!("Field document is not a release document in JSON: {error}."))
    })
}

fn text<T>(given: &Map<String, Value>, name: &str) -> Result<Option<T>, ApiError>
where
    T: TryFrom<String, Error = ota_protocol::InvalidName>,
{
    match given.get(name) {
        None | Some(Value::Null) => Ok(None),
        Some(Value::String(text)) => Ok(Some(T::try_from(text.clone())?)),
        Some(_) => Err(ApiError::bad_request(format!("The document's {name} is not a text."))),
    }
}

fn document(
    mut given: Map<String, Value>,
    channel: &Channel,
    version: &Version,
) -> Result<ReleaseDocument, ApiError> {
    given.retain(|_, value| !value.is_null());
    given.insert("channel".to_owned(), channel.as_str().into());
    given.insert("version".to_owned(), version.as_str().into());
    given.entry("sequence").or_insert_with(|| 0.into());
    serde_json::from_value(Value::Object(given))
        .map_err(|error| ApiError::bad_request(format!("Field document is not a release document: {error}.")))
}

/// What no device could use is refused here rather than published.
fn check(document: &ReleaseDocument, now: UnixSeconds) -> Result<(), ApiError> {
    let bad = |text: &str| Err(ApiError::bad_request(text));
    if document.kind != Kind::Release {
        return bad("The document's kind is not right: release is expected.");
    }
    if document.native.validate().is_err()
        || [&document.native.min, &document.native.max].into_iter().flatten().any(|end| too_long(end))
    {
        return bad(
            "The native range is not right: two versions such as 1.2.0 and 1.x, the lower one first.",
        );
    }
    if document.platforms.len() > MOST_WORDS || !document.platforms.iter().all(is_word) {
        return bad("The platforms are not right: android, ios, or both are expected.");
    }
    if document.critical.len() > MOST_WORDS || !document.criticals_are_known() {
        return bad("The document's critical names a field that this server does not know.");
    }
    if document.artifacts.len() > usize::from(document.zip().is_some()) {
        return bad(
            "The document's artifacts are not right: one zip is expected, the file that comes with it.",
        );
    }
    if document.created_at.is_some_and(|created| created > now + 24 * 60 * 60) {
        return bad("The document's created_at is more than a day ahead of the server's clock.");
    }
    Ok(())
}

/// An end of a range is a version, not an essay, and without what separates an audience's parts.
fn too_long(end: &str) -> bool {
    end.len() > 64 || end.contains(['|', ','])
}

#[cfg(test)]
mod tests {
    use super::*;

    const SUM: &str = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855";

    fn read(fields: &[(&str, &str)]) -> Result<Wish, ApiError> {
        let mut form = Form::default();
        for (name, value) in fields {
            form.add(name, value)?;
        }
        Wish::read(&form, 1_000)
    }

    fn refused(fields: &[(&str, &str)]) -> (Code, String) {
        let error = read(fields).unwrap_err();
        (error.code(), error.message().to_owned())
    }

    #[test]
    fn the_seeds_fields_are_enough() {
        let wish = read(&[("version", "1.0.0"), ("checksum", SUM)]).unwrap();
        assert_eq!(wish.document.channel.as_str(), "stable");
        assert!(wish.document.percent.is_complete() && !wish.mandatory && wish.document.platforms.is_empty());
    }

    #[test]
    fn every_field_arrives_in_the_document() {
        let wish = read(&[
            ("version", "1.0.0"),
            ("channel", "beta"),
            ("checksum", SUM),
            ("app_id", "com.example.app"),
            ("native_min", "1.0"),
            ("native_max", "1.x"),
            ("platforms", "ios, android"),
            ("platforms", "ios"),
            ("percent", "12.5"),
            ("mandatory", "true"),
            ("retry", "1"),
        ])
        .unwrap();
        let document = &wish.document;
        assert_eq!(document.app_id.as_ref().unwrap().as_str(), "com.example.app");
        assert_eq!(document.native.max.as_deref(), Some("1.x"));
        assert_eq!(document.platforms, [Platform::Android, Platform::Ios]);
        assert_eq!(document.percent.hundredths(), 1_250);
        assert!(wish.mandatory && document.retry);
    }

    #[test]
    fn a_missing_field_is_named() {
        assert!(refused(&[("version", "1.0.0")]).1.contains("checksum is missing"));
        assert!(refused(&[("checksum", SUM)]).1.contains("version is missing"));
        assert!(refused(&[("version", ""), ("checksum", SUM)]).1.contains("version is missing"));
    }

    #[test]
    fn names_and_values_outside_their_rules_are_refused() {
        let with = |name, value| refused(&[("version", "1"), ("checksum", SUM), (name, value)]).0;
        assert_eq!(with("channel", "a/b"), Code::InvalidName);
        assert_eq!(with("channel", "apk"), Code::ReservedChannel);
        assert_eq!(with("app_id", "a b"), Code::InvalidName);
        assert_eq!(refused(&[("version", "builtin"), ("checksum", SUM)]).0, Code::InvalidName);
        for (name, value) in [
            ("percent", "101"),
            ("percent", "0.001"),
            ("mandatory", "perhaps"),
            ("native_min", "one"),
            ("platforms", "a|b"),
            ("envelope", "{}"),
            ("document", "[]"),
            ("document", "{"),
            ("document", r#"{"kind":"builtin"}"#),
            ("document", r#"{"critical":["unheard_of"]}"#),
            ("document", r#"{"artifacts":[{"kind":"odlt","size":1}]}"#),
            ("document", r#"{"created_at":99999999999}"#),
            ("document", r#"{"sequence":"seven"}"#),
        ] {
            assert_eq!(with(name, value), Code::BadRequest, "{name}={value}");
        }
    }

    #[test]
    fn a_release_is_never_called_builtin() {
        assert_eq!(refused(&[("version", "builtin"), ("checksum", SUM)]).0, Code::InvalidName);
    }

    #[test]
    fn a_field_twice_is_refused() {
        assert_eq!(refused(&[("version", "1"), ("version", "1")]).0, Code::BadRequest);
    }

    #[test]
    fn the_documents_fields_count_and_a_contradiction_is_refused() {
        let document = format!(
            r#"{{"version":"1","channel":"beta","percent":50,"artifacts":[{{"kind":"zip","size":1,"checksum":"{SUM}"}}]}}"#
        );
        let wish = read(&[("document", &document)]).unwrap();
        assert_eq!(wish.document.percent.hundredths(), 5_000);
        assert_eq!(wish.document.channel.as_str(), "beta");
        read(&[("document", &document), ("percent", "50"), ("channel", "beta"), ("checksum", SUM)]).unwrap();
        for (name, value) in
            [("percent", "60"), ("channel", "stable"), ("version", "2"), ("checksum", &"0".repeat(64))]
        {
            let (code, text) = refused(&[("document", &document), (name, value)]);
            assert_eq!(code, Code::BadRequest);
            assert!(text.contains(name), "{text}");
        }
    }
}
