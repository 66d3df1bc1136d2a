//! Reads an upload's form: its file to the disk, its fields to memory.

use axum::body::Body;
use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use multer::{Field, Multipart};
use ota_protocol::Code;

use super::stream::{Fault, Source};
use super::writer::Writer;
use crate::app::App;
use crate::error::ApiError;
use crate::http::content_type_is;
use crate::publishing::Form;
use crate::storage::Staged;

/// The longest text field, in bytes; a release document has some hundred.
const LONGEST_FIELD: usize = 64 * 1024;
/// The most parts of a form.
const MOST_PARTS: usize = 64;
/// What a body may have besides its file, in bytes.
const AROUND: u64 = 1024 * 1024;

/// An upload that arrived whole.
pub(crate) struct Received {
    pub(crate) form: Form,
    pub(crate) staged: Staged,
}

/// Receives an upload.
///
/// # Errors
/// `unsupported_media_type`, `too_large`, `bad_request`, `storage_full`. Nothing of it stays.
pub(crate) async fn receive(app: &App, headers: &HeaderMap, body: Body) -> Result<Received, ApiError> {
    let source = Source::new(body);
    begin(app, headers, &source).await.map_err(|error| late(headers, source, error))
}

/// Refuses an upload before a byte of it was read.
pub(crate) fn refuse(headers: &HeaderMap, body: Body, error: ApiError) -> ApiError {
    late(headers, Source::new(body), error)
}

/// Sees to it that a client which is still sending can read why that is of no use.
fn late(headers: &HeaderMap, source: Source, error: ApiError) -> ApiError {
    // One that asked before sending waits for the answer; reading on would tell it to send.
    if source.has_begun() || !headers.contains_key(header::EXPECT) {
        source.linger();
    }
    error
}

async fn begin(app: &App, headers: &HeaderMap, source: &Source) -> Result<Received, ApiError> {
    if !content_type_is(headers, "multipart/form-data") {
        return Err(ApiError::new(Code::UnsupportedMediaType, "The body is not multipart/form-data."));
    }
    let limit = app.settings.max_upload.saturating_add(AROUND);
    let stated =
        headers.get(header::CONTENT_LENGTH).and_then(|value| value.to_str().ok()?.parse::<u64>().ok());
    if stated.is_some_and(|stated| stated > limit) {
        return Err(too_large(app));
    }
    let content_type = headers.get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok());
    let boundary = multer::parse_boundary(content_type.unwrap_or_default())
        .map_err(|_| ApiError::bad_request("The Content-Type has no boundary; let your client set it."))?;
    let patience = app.settings.timeouts.turn;
    let _turn = tokio::time::timeout(patience, app.gates.receiving.acquire())
        .await
        .ok()
        .and_then(Result::ok)
        .ok_or_else(|| ApiError::of(Code::Unavailable).retry_after(30))?;
    let stream = source.stream(limit, app.settings.timeouts.body_idle);
    read(app, source, Multipart::new(stream, boundary)).await
}

async fn read(app: &App, source: &Source, mut parts: Multipart<'_>) -> Result<Received, ApiError> {
    let mut form = Form::default();
    let mut staged = None;
    let mut count = 0;
    while let Some(field) = parts.next_field().await.map_err(|error| broken(app, &error))? {
        count += 1;
        if count > MOST_PARTS {
            return Err(ApiError::bad_request(format!("The form has more than {MOST_PARTS} parts.")));
        }
        let name = field.name().unwrap_or_default().to_owned();
        if name == "file" {
            if staged.is_some() {
                return Err(ApiError::bad_request("Field file is there twice; send one file."));
            }
            staged = Some(file(app, source, field).await?);
        } else {
            let text = text(app, source, &name, field).await?;
            if Form::knows(&name) {
                form.add(&name, &text)?;
            }
        }
    }
    let staged =
        staged.ok_or_else(|| ApiError::bad_request("Field file is missing: send the file to publish."))?;
    Ok(Received { form, staged })
}

async fn file(app: &App, source: &Source, field: Field<'_>) -> Result<Staged, ApiError> {
    let writer = Writer::start(app.blobs.clone());
    let staged = match pieces(app, source, field, &writer).await {
        Ok(()) => writer.finish().await?,
        Err(error) => {
            writer.give_up().await;
            return Err(error);
        }
    };
    app.metrics.received(staged.size());
    Ok(staged)
}

async fn pieces(app: &App, source: &Source, mut field: Field<'_>, writer: &Writer) -> Result<(), ApiError> {
    let mut size = 0;
    while let Some(piece) = field.chunk().await.map_err(|error| broken(app, &error))? {
        source.claim(piece.len());
        size += piece.len() as u64;
        if size > app.settings.max_upload {
            return Err(too_large(app));
        }
        if writer.piece(piece).await.is_err() {
            break; // `finish` says why
        }
    }
    Ok(())
}

async fn text(app: &App, source: &Source, name: &str, mut field: Field<'_>) -> Result<String, ApiError> {
    let mut bytes = Vec::new();
    while let Some(piece) = field.chunk().await.map_err(|error| broken(app, &error))? {
        source.claim(piece.len());
        bytes.extend_from_slice(&piece);
        if bytes.len() > LONGEST_FIELD {
            return Err(ApiError::bad_request(format!(
                "A field other than file has more than {LONGEST_FIELD} bytes."
            )));
        }
    }
    if !Form::knows(name) {
        return Ok(String::new());
    }
    String::from_utf8(bytes).map_err(|_| ApiError::bad_request(format!("Field {name} is not UTF-8.")))
}

fn too_large(app: &App) -> ApiError {
    ApiError::new(Code::TooLarge, format!("The upload is larger than {} bytes.", app.settings.max_upload))
}

fn broken(app: &App, error: &multer::Error) -> ApiError {
    let fault = match error {
        multer::Error::StreamReadFailed(cause) => cause.downcast_ref::<Fault>().copied(),
        _ => None,
    };
    match fault {
        Some(Fault::TooLarge) => too_large(app),
        Some(Fault::Idle) => ApiError::bad_request("The upload stood still for too long; send it again.")
            .with_status(StatusCode::REQUEST_TIMEOUT)
            .with_header(header::CONNECTION, HeaderValue::from_static("close")),
        Some(Fault::CutOff) => ApiError::bad_request("The upload was cut off; send it again."),
        Some(Fault::NotMultipart) => ApiError::bad_request(
            "The body is not multipart/form-data with the boundary that its Content-Type names; let your client set it.",
        ),
        None => ApiError::bad_request(format!("The form cannot be read: {error}.")),
    }
}
