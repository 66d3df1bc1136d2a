//! The bytes of bundles and Android packages.

use axum::body::Body;
use axum::extract::State;
use axum::http::{HeaderMap, HeaderValue, Method, StatusCode, header};
use axum::response::{IntoResponse, Response};
use ota_protocol::Code;

use super::Names;
use crate::app::Shared;
use crate::db::history;
use crate::error::ApiError;
use crate::http::{Answer, Conditions, FileBody, decide};

/// `GET` and `HEAD /api/ota/bundle/{key}`
pub(crate) async fn serve(
    State(app): State<Shared>,
    method: Method,
    Names(key): Names<String>,
    headers: HeaderMap,
) -> Result<Response, ApiError> {
    let absent =
        || ApiError::new(Code::NotFound, "There is no such bundle: it was deleted, or never published.");
    let key_asked = key.clone();
    let row = app.db.read(move |c| Ok(history::find_key(c, &key_asked)?)).await?;
    let row = row.filter(|row| row.deleted_at.is_none() && !row.missing).ok_or_else(absent)?;

    let etag = format!("\"{}\"", row.checksum);
    // A part of a HEAD is not defined: it is answered as for everything.
    let conditions = Conditions::of(&headers);
    let conditions =
        if method == Method::HEAD { Conditions { range: None, ..conditions } } else { conditions };
    let answer = decide(conditions, &etag, row.size);
    let (status, start, len) = match answer {
        Answer::Whole => (StatusCode::OK, 0, row.size),
        Answer::Part { start, len } => (StatusCode::PARTIAL_CONTENT, start, len),
        Answer::NotModified => (StatusCode::NOT_MODIFIED, 0, 0),
        Answer::PreconditionFailed => {
            return Err(ApiError::bad_request(
                "The bundle is not the one that If-Match names; ask without it.",
            )
            .with_status(StatusCode::PRECONDITION_FAILED));
        }
        Answer::OutOfRange => {
            let text = format!("The range is beyond the bundle's {} bytes; ask from the start.", row.size);
            let range = HeaderValue::try_from(format!("bytes */{}", row.size)).map_err(ApiError::internal)?;
            return Err(ApiError::bad_request(text)
                .with_status(StatusCode::RANGE_NOT_SATISFIABLE)
                .with_header(header::CONTENT_RANGE, range));
        }
    };

    let body = if status == StatusCode::NOT_MODIFIED || method == Method::HEAD {
        Body::empty()
    } else {
        let blobs = app.blobs.clone();
        let file = crate::blocking(move || match blobs.open(row.checksum) {
            // Deleted between the question and now, or lost.
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(None),
            other => Ok(Some(other?)),
        });
        app.metrics.download();
        Body::new(FileBody::new(file.await?.ok_or_else(absent)?, start, len, app.metrics.clone()))
    };
    let kind =
        if row.channel.is_apk() { "application/vnd.android.package-archive" } else { "application/zip" };
    let mut response = (status, body).into_response();
    let mut set = |name, value: &str| {
        response.headers_mut().insert(name, HeaderValue::try_from(value).map_err(ApiError::internal)?);
        Ok::<_, ApiError>(())
    };
    set(header::ETAG, &etag)?;
    // A version may be deleted, and its channel go back: whoever keeps the bytes asks again before using them.
    set(header::CACHE_CONTROL, "no-cache")?;
    set(header::ACCEPT_RANGES, "bytes")?;
    if status != StatusCode::NOT_MODIFIED {
        set(header::CONTENT_TYPE, kind)?;
        set(header::CONTENT_LENGTH, &len.to_string())?;
    }
    if let Answer::Part { start, len } = answer {
        set(header::CONTENT_RANGE, &format!("bytes {start}-{}/{}", start + len - 1, row.size))?;
    }
    Ok(response)
}
