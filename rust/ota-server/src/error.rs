//! What a handler answers when it does not do what it was asked.

use std::error::Error;
use std::io;

use axum::http::{HeaderName, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use ota_protocol::{Code, ErrorBody, InvalidName};

/// The code of an answer, for the error counters; an extension of the response.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Answered(pub(crate) Code);

/// A refusal: a code, a sentence, and what to do about it.
#[derive(Debug)]
pub struct ApiError {
    code: Code,
    status: u16,
    message: String,
    headers: Vec<(HeaderName, HeaderValue)>,
    source: Option<Box<dyn Error + Send + Sync>>,
}

impl ApiError {
    /// `sentence` ends with a full stop; the code's remedy follows it.
    pub fn new(code: Code, sentence: impl AsRef<str>) -> Self {
        let message = format!("{} {}", sentence.as_ref(), code.remedy());
        Self { code, status: code.status(), message, headers: Vec::new(), source: None }
    }

    /// A text that says by itself what to do.
    pub(crate) fn plain(code: Code, message: impl Into<String>) -> Self {
        Self { code, status: code.status(), message: message.into(), headers: Vec::new(), source: None }
    }

    /// The code's own sentence.
    pub(crate) fn of(code: Code) -> Self {
        Self::new(code, code.meaning())
    }

    /// The request cannot be read; the text says what is expected.
    pub(crate) fn bad_request(message: impl Into<String>) -> Self {
        Self::plain(Code::BadRequest, message)
    }

    /// Our fault; the cause goes to the log and not to the client.
    pub(crate) fn internal(source: impl Into<Box<dyn Error + Send + Sync>>) -> Self {
        Self { source: Some(source.into()), ..Self::of(Code::Internal) }
    }

    /// With another status than the code's own.
    pub(crate) fn with_status(mut self, status: StatusCode) -> Self {
        self.status = status.as_u16();
        self
    }

    /// With a header.
    pub(crate) fn with_header(mut self, name: HeaderName, value: impl Into<HeaderValue>) -> Self {
        self.headers.push((name, value.into()));
        self
    }

    /// With the seconds to wait.
    pub(crate) fn retry_after(self, seconds: u64) -> Self {
        self.with_header(header::RETRY_AFTER, seconds)
    }

    /// The stable code.
    pub fn code(&self) -> Code {
        self.code
    }

    /// The text for people.
    pub fn message(&self) -> &str {
        &self.message
    }
}

impl std::fmt::Display for ApiError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}: {}", self.code, self.message)?;
        let mut cause = self.source.as_deref().map(|source| source as &dyn Error);
        while let Some(error) = cause {
            write!(f, ": {error}")?;
            cause = error.source();
        }
        Ok(())
    }
}

impl Error for ApiError {}

/// Whether the disk (or a quota on it) is full.
pub(crate) fn is_full(error: &io::Error) -> bool {
    matches!(error.kind(), io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded)
}

impl From<io::Error> for ApiError {
    fn from(error: io::Error) -> Self {
        if is_full(&error) {
            return Self { source: Some(error.into()), ..Self::of(Code::StorageFull) };
        }
        Self::internal(error)
    }
}

impl From<rusqlite::Error> for ApiError {
    fn from(error: rusqlite::Error) -> Self {
        use rusqlite::ErrorCode;
        let code = match error.sqlite_error_code() {
            Some(ErrorCode::DiskFull) => Code::StorageFull,
            Some(ErrorCode::DatabaseBusy | ErrorCode::DatabaseLocked) => Code::Unavailable,
            _ => Code::Internal,
        };
        Self { source: Some(error.into()), ..Self::of(code) }
    }
}

impl From<InvalidName> for ApiError {
    fn from(rule: InvalidName) -> Self {
        Self::plain(Code::InvalidName, format!("The name is outside its rule: {rule}."))
    }
}

impl IntoResponse for ApiError {
    fn into_response(self) -> Response {
        if self.status >= 500 {
            tracing::error!(code = %self.code, "{self}");
        }
        let status = StatusCode::from_u16(self.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
        let body = ErrorBody { code: self.code.to_string(), message: self.message };
        let mut response = (status, crate::http::json(&body)).into_response();
        response.headers_mut().extend(self.headers.into_iter().map(|(name, value)| (Some(name), value)));
        if self.code == Code::Unauthorized {
            response.headers_mut().insert(header::WWW_AUTHENTICATE, HeaderValue::from_static("Bearer"));
        }
        response.extensions_mut().insert(Answered(self.code));
        response
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_full_disk_is_storage_full_and_anything_else_unforeseen_says_nothing_of_its_cause() {
        let full = ApiError::from(io::Error::from(io::ErrorKind::StorageFull));
        assert_eq!(full.code(), Code::StorageFull);
        let other = ApiError::from(io::Error::other("secret path"));
        assert_eq!(other.code(), Code::Internal);
        assert!(!other.message().contains("secret"));
        assert!(other.to_string().contains("secret path"));
    }
}
