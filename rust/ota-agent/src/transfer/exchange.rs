//! One request, along its redirects, to the answer at their end.

use std::time::Duration;

use url::Url;

use super::answer::{self, Kind};
use super::error::TransferError;
use super::policy::Policy;
use super::redirect::{Way, check_scheme};
use super::retry::Fault;
use crate::ports::{Cancel, Header, Method, Ports, Request, Response};

/// What to ask.
pub(super) struct Ask<'a> {
    pub(super) method: Method,
    pub(super) url: &'a Url,
    /// Beside `Accept-Encoding: identity`. The same at every redirect, so nothing secret may be in them.
    pub(super) headers: Vec<Header>,
    pub(super) body: &'a [u8],
    /// A moment of the monotonic clock; `None`: as long as bytes come.
    pub(super) deadline: Option<Duration>,
}

/// An answer that is not a redirect.
pub(super) struct Answered {
    pub(super) response: Response,
    /// Who gave it.
    pub(super) url: Url,
    pub(super) kind: Kind,
}

/// Asks, once.
pub(super) fn exchange(
    ports: &Ports,
    policy: &Policy,
    ask: &Ask<'_>,
    cancel: &Cancel,
) -> Result<Answered, Fault> {
    let Some(transport) = &ports.transport else {
        return Err(TransferError::Offline { reason: "this process has no network".to_owned() }.into());
    };
    check_scheme(ask.url, policy)?;
    let mut url = ask.url.clone();
    url.set_fragment(None);
    let mut way = Way::new(url.clone());
    loop {
        let total = match ask.deadline.map(|deadline| deadline.saturating_sub(ports.clock.monotonic())) {
            Some(Duration::ZERO) => {
                return Err(TransferError::Offline {
                    reason: "the server did not answer in time".to_owned(),
                }
                .into());
            }
            left => left,
        };
        let mut headers = ask.headers.clone();
        headers.push(("accept-encoding".to_owned(), "identity".to_owned()));
        let request = Request {
            method: ask.method,
            url: url.clone(),
            headers,
            body: ask.body.to_vec(),
            idle: policy.idle,
            total,
        };
        let response = transport.send(&request, cancel).map_err(Fault::of_transport)?;
        let kind = answer::kind(response.status, answer::wait_of(&response, ports.clock.now()));
        if kind != Kind::Redirect {
            return Ok(Answered { response, url, kind });
        }
        url = way.follow(response.status, response.header("location"), ask.method, policy)?.clone();
    }
}
