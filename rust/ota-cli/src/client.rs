//! The publishing routes (`docs/protocol.md`, "Publishing"), and nothing else, over blocking HTTP.

mod answer;
mod tls;
mod upload;

pub(crate) use answer::Answer;
pub(crate) use upload::Upload;

use std::path::Path;
use std::time::Duration;

use ota_protocol::publish::{
    ActionRequest, Deleted, History, LoginReply, LoginRequest, Published, ReleaseList,
};
use ota_protocol::{Channel, Code, Version};
use reqwest::Method;
use reqwest::blocking::{Client as Http, RequestBuilder, Response};
use reqwest::redirect::Policy;
use serde::de::DeserializeOwned;

use crate::failure::{Failure, chain};
use crate::server::Server;

const CONNECT_TIMEOUT: Duration = Duration::from_secs(10);
/// For a whole request that uploads nothing.
const TIMEOUT: Duration = Duration::from_secs(30);

/// What can be done to a release.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Action {
    /// Publish it to another channel.
    Promote,
    /// Go back to it; where it is the active one, to the one before it.
    Rollback,
}

impl Action {
    fn as_str(self) -> &'static str {
        match self {
            Self::Promote => "promote",
            Self::Rollback => "rollback",
        }
    }
}

/// Where a token came from: what to do about a bad one depends on it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum TokenSource {
    /// `ota login` kept it.
    Login,
    /// `OTA_TOKEN`.
    Environment,
}

/// A connection to one server.
#[derive(Debug)]
pub(crate) struct Client {
    http: Http,
    server: Server,
    token: Option<(String, TokenSource)>,
}

impl Client {
    /// A client without a token. `ca_file`: certificates to trust besides the public ones.
    pub(crate) fn new(server: &Server, ca_file: Option<&Path>) -> Result<Self, Failure> {
        let mut builder = Http::builder()
            .user_agent(concat!("ota/", env!("CARGO_PKG_VERSION")))
            .tls_backend_preconfigured(tls::config(ca_file)?)
            .connect_timeout(CONNECT_TIMEOUT)
            .timeout(TIMEOUT)
            // A bearer token goes to the server it was made for and nowhere else.
            .redirect(Policy::none());
        if server.is_loopback() {
            builder = builder.no_proxy();
        }
        let http = builder.build().map_err(|error| Failure::new(Code::Internal, chain(&error)))?;
        Ok(Self { http, server: server.clone(), token: None })
    }

    pub(crate) fn with_token(self, token: String, source: TokenSource) -> Self {
        Self { token: Some((token, source)), ..self }
    }

    pub(crate) fn server(&self) -> &Server {
        &self.server
    }

    fn request(&self, method: Method, path: &str) -> RequestBuilder {
        let request = self.http.request(method, self.server.at(path));
        match &self.token {
            Some((token, _)) => request.bearer_auth(token),
            None => request,
        }
    }

    fn send<T: DeserializeOwned>(&self, request: RequestBuilder) -> Result<Answer<T>, Failure> {
        let response = request.send().map_err(|error| answer::unreachable(&self.server, &error))?;
        self.read(response)
    }

    fn read<T: DeserializeOwned>(&self, response: Response) -> Result<Answer<T>, Failure> {
        let answer = answer::read(&self.server, response);
        match &self.token {
            Some((_, source)) => {
                answer.map_err(|failure| answer::log_in_again(&self.server, *source, failure))
            }
            None => answer,
        }
    }

    /// `POST /api/auth/login`.
    pub(crate) fn log_in(&self, user: &str, password: &str) -> Result<LoginReply, Failure> {
        let body = LoginRequest { username: user.to_owned(), password: password.to_owned() };
        Ok(self.send(self.request(Method::POST, "/api/auth/login").json(&body))?.body)
    }

    /// `GET /api/ota/admin/ota/history`.
    pub(crate) fn history(&self, channel: &Channel) -> Result<Answer<History>, Failure> {
        let path = format!("/api/ota/admin/ota/history?channel={channel}");
        self.send(self.request(Method::GET, &path))
    }

    /// `GET /api/ota/admin/releases`.
    pub(crate) fn releases(&self, channel: &Channel) -> Result<ReleaseList, Failure> {
        let path = format!("/api/ota/admin/releases?channel={channel}");
        Ok(self.send(self.request(Method::GET, &path))?.body)
    }

    /// `DELETE /api/ota/admin/ota/{channel}/{version}`, for channel `apk` `…/apk/{version}`.
    pub(crate) fn delete(&self, channel: &Channel, version: &Version) -> Result<Deleted, Failure> {
        let path = if channel.is_apk() {
            format!("/api/ota/admin/apk/{version}")
        } else {
            format!("/api/ota/admin/ota/{channel}/{version}")
        };
        Ok(self.send(self.request(Method::DELETE, &path))?.body)
    }

    /// `POST /api/ota/admin/releases/{channel}/{version}/{action}`.
    pub(crate) fn act(
        &self,
        channel: &Channel,
        version: &Version,
        action: Action,
        body: &ActionRequest,
    ) -> Result<Published, Failure> {
        let path = format!("/api/ota/admin/releases/{channel}/{version}/{}", action.as_str());
        Ok(self.send(self.request(Method::POST, &path).json(body))?.body)
    }
}
