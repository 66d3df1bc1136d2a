//! JSON in and out.

use std::time::Duration;

use axum::body::Body;
use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use http_body_util::{BodyExt, LengthLimitError, Limited};
use ota_protocol::Code;
use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::error::ApiError;

/// How long a small body may take to arrive.
const ARRIVAL: Duration = Duration::from_secs(15);

/// An answer in JSON.
pub(crate) fn json<T: Serialize>(value: &T) -> Response {
    match serde_json::to_vec(value) {
        Ok(bytes) => {
            ([(header::CONTENT_TYPE, HeaderValue::from_static("application/json"))], bytes).into_response()
        }
        Err(error) => {
            tracing::error!(%error, "an answer could not be written");
            StatusCode::INTERNAL_SERVER_ERROR.into_response()
        }
    }
}

/// Whether the request's media type is `expected`; parameters such as a charset are passed over.
pub(crate) fn content_type_is(headers: &HeaderMap, expected: &str) -> bool {
    let value = headers.get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or_default();
    value.split(';').next().unwrap_or_default().trim().eq_ignore_ascii_case(expected)
}

/// Reads a JSON body of at most `limit` bytes.
///
/// # Errors
/// `unsupported_media_type`, `too_large`, `bad_request`.
pub(crate) async fn read_json<T: DeserializeOwned>(
    headers: &HeaderMap,
    body: Body,
    limit: usize,
) -> Result<T, ApiError> {
    // Clients of the plainest kind send no type at all.
    if headers.contains_key(header::CONTENT_TYPE) && !content_type_is(headers, "application/json") {
        return Err(ApiError::new(Code::UnsupportedMediaType, "The body is not application/json."));
    }
    let read = tokio::time::timeout(ARRIVAL, Limited::new(body, limit).collect()).await;
    let bytes = match read {
        Ok(Ok(body)) => body.to_bytes(),
        Ok(Err(error)) if error.is::<LengthLimitError>() => {
            return Err(ApiError::plain(
                Code::TooLarge,
                format!("The body is larger than the {limit} bytes this address takes. Make it smaller."),
            ));
        }
        Ok(Err(_)) => return Err(ApiError::bad_request("The body was cut off; send it again.")),
        Err(_) => {
            return Err(ApiError::bad_request("The body did not arrive in time; send it again.")
                .with_status(StatusCode::REQUEST_TIMEOUT)
                .with_header(header::CONNECTION, HeaderValue::from_static("close")));
        }
    };
    serde_json::from_slice(&bytes).map_err(|error| {
        ApiError::bad_request(format!("The body is not the JSON this address takes: {error}."))
    })
}
