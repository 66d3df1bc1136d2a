//! One question to the server.

use std::collections::BTreeMap;
use std::io::Read;

use ota_protocol::check::MAX_REPLY_BYTES;
use ota_protocol::{Code, ErrorBody, UnixSeconds};
use serde::de::IgnoredAny;
use url::Url;

use super::answer::{self, Kind};
use super::error::TransferError;
use super::exchange::{Answered, Ask, exchange};
use super::policy::Policy;
use super::retry::{Fault, with_retries};
use crate::ports::{Body, Cancel, Method, Ports, TransportError};

/// One question.
#[derive(Debug, Clone, Copy)]
pub struct CheckCall<'a> {
    /// Whom to ask.
    pub url: &'a Url,
    /// The question, JSON.
    pub body: &'a [u8],
    /// How to try.
    pub policy: &'a Policy,
}

/// One answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CheckAnswer {
    /// A JSON object, as it came, of at most [`MAX_REPLY_BYTES`].
    pub body: Vec<u8>,
    /// When the server says it answered; `None` where it does not, or not readably.
    pub date: Option<UnixSeconds>,
    /// Who answered in the end, after redirects: relative URLs of the answer start here.
    pub url: Url,
}

/// An error answer's body is read this far for the server's own words.
const MAX_ERROR_BYTES: usize = 8 * 1024;

/// Asks, and blocks until there is an answer, at most [`Policy::check_total`].
///
/// # Errors
/// [`Offline`](TransferError::Offline), [`Status`](TransferError::Status), [`Refused`](TransferError::Refused),
/// [`RetryAfter`](TransferError::RetryAfter) (remember it), [`BadReply`](TransferError::BadReply),
/// [`InsecureUrl`](TransferError::InsecureUrl), [`Cancelled`](TransferError::Cancelled).
pub fn check(ports: &Ports, call: &CheckCall<'_>, cancel: &Cancel) -> Result<CheckAnswer, TransferError> {
    let clock = ports.clock.as_ref();
    let deadline = Some(clock.monotonic() + call.policy.check_total);
    let ask = Ask {
        method: Method::Post,
        url: call.url,
        headers: vec![
            ("content-type".to_owned(), "application/json".to_owned()),
            ("accept".to_owned(), "application/json".to_owned()),
        ],
        body: call.body,
        deadline,
    };
    with_retries(clock, call.policy, deadline, cancel, || read(exchange(ports, call.policy, &ask, cancel)?))
}

/// Reads an answer, or says what it is instead.
fn read(answered: Answered) -> Result<CheckAnswer, Fault> {
    let Answered { mut response, url, kind } = answered;
    let status = response.status;
    match kind {
        Kind::Success if status == 200 => {}
        Kind::Later(seconds) => return Err(TransferError::RetryAfter { seconds }.into()),
        Kind::Passing => return Err(Fault::Passing(TransferError::Status { status })),
        // An address that does not exist is a wrong updateUrl, not a bundle that is gone.
        Kind::Success | Kind::Redirect | Kind::Gone | Kind::Settled => {
            return Err(refusal(status, &mut response.body).into());
        }
    }
    if let Some(coding) = answer::coding(&response) {
        return Err(Fault::bad_reply(format!("it is encoded ({coding}), which was not asked for")));
    }
    if answer::length(&response).is_some_and(|length| length > MAX_REPLY_BYTES as u64) {
        return Err(too_large());
    }
    let date = answer::date(&response);
    let body = read_capped(&mut response.body, MAX_REPLY_BYTES)
        .map_err(Fault::of_transport)?
        .ok_or_else(too_large)?;
    if !is_object(&body) {
        let page = answer::is_web_page(&response) || body.trim_ascii_start().starts_with(b"<");
        return Err(Fault::bad_reply(if page {
            "a web page came in place of JSON; the network may want a sign-in first"
        } else {
            "it is not a JSON object"
        }));
    }
    Ok(CheckAnswer { body, date, url })
}

fn too_large() -> Fault {
    Fault::bad_reply(format!("it is larger than {MAX_REPLY_BYTES} bytes"))
}

/// The server's own words, where it speaks our protocol.
fn refusal(status: u16, body: &mut Body) -> TransferError {
    let words = read_capped(body, MAX_ERROR_BYTES)
        .ok()
        .flatten()
        .and_then(|bytes| serde_json::from_slice::<ErrorBody>(&bytes).ok());
    match words.and_then(|words| Some((Code::parse(&words.code)?, words.message))) {
        Some((code, message)) => TransferError::Refused { status, code, message },
        None => TransferError::Status { status },
    }
}

/// Reads a body to its end; `None`: it has more than `cap` bytes, and the rest was not read.
fn read_capped(body: &mut Body, cap: usize) -> Result<Option<Vec<u8>>, TransportError> {
    let mut bytes = Vec::new();
    // One byte more than allowed tells that there are more.
    body.take(cap as u64 + 1).read_to_end(&mut bytes).map_err(TransportError::of_read)?;
    Ok((bytes.len() <= cap).then_some(bytes))
}

/// The whole is read, so that a body which was cut off is noticed here and not later.
#[allow(clippy::zero_sized_map_values)] // a map is what serde takes objects, and only objects, for
fn is_object(body: &[u8]) -> bool {
    serde_json::from_slice::<BTreeMap<String, IgnoredAny>>(body).is_ok()
}

#[cfg(test)]
mod tests {
    use super::is_object;

    #[test]
    fn only_a_whole_json_object_is_an_answer() {
        for (text, object) in [
            ("{}", true),
            (" {\"releases\":[]}\n", true),
            ("{\"a\":1,\"a\":2}", true),
            ("", false),
            ("[]", false),
            ("null", false),
            ("{\"releases\":[", false),
            ("{} {}", false),
            ("<html></html>", false),
        ] {
            assert_eq!(is_object(text.as_bytes()), object, "{text}");
        }
        // Depth costs no stack.
        assert!(!is_object("{\"a\":".repeat(200_000).as_bytes()));
    }
}
