//! A file per resource; each handler reads as the contract of its route.

pub(crate) mod apk;
pub(crate) mod bundle;
pub(crate) mod check;
pub(crate) mod history;
pub(crate) mod login;
pub(crate) mod meta;
pub(crate) mod releases;

use axum::extract::{FromRequestParts, Query};
use axum::http::request;
use ota_protocol::Channel;
use serde::Deserialize;

use crate::app::Shared;
use crate::auth::{Caller, caller};
use crate::error::ApiError;

/// A handler that takes this serves only callers with a good token.
impl FromRequestParts<Shared> for Caller {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut request::Parts, app: &Shared) -> Result<Self, ApiError> {
        caller(app, &parts.headers).await
    }
}

/// Names in a path; those outside their rule are `invalid_name`.
pub(crate) struct Names<T>(pub(crate) T);

impl<T> FromRequestParts<Shared> for Names<T>
where
    T: serde::de::DeserializeOwned + Send,
{
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut request::Parts, app: &Shared) -> Result<Self, ApiError> {
        let path = axum::extract::Path::<T>::from_request_parts(parts, app).await.map_err(|rejection| {
            let text = format!("The address has a name outside its rule: {}.", rejection.body_text());
            ApiError::new(ota_protocol::Code::InvalidName, text)
        })?;
        Ok(Self(path.0))
    }
}

/// `?channel=C`.
#[derive(Deserialize)]
struct ChannelQuery {
    channel: Option<String>,
}

/// The channel a list is asked for; `stable` where none is named.
pub(crate) struct InChannel(pub(crate) Channel);

impl FromRequestParts<Shared> for InChannel {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut request::Parts, app: &Shared) -> Result<Self, ApiError> {
        let Query(query) =
            Query::<ChannelQuery>::from_request_parts(parts, app).await.map_err(|rejection| {
                ApiError::bad_request(format!("The query cannot be read: {}.", rejection.body_text()))
            })?;
        let channel = query.channel.filter(|text| !text.is_empty()).map(Channel::try_from).transpose()?;
        Ok(Self(channel.unwrap_or_default()))
    }
}
