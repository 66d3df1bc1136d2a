//! Telling an ota-server's answer from everything else that may answer in its place.

use std::error::Error;
use std::io::Read as _;
use std::time::SystemTime;

use ota_protocol::{Code, ErrorBody};
use reqwest::StatusCode;
use reqwest::blocking::Response;
use reqwest::header::{CONTENT_TYPE, DATE, LOCATION};
use serde::de::DeserializeOwned;

use super::TokenSource;
use crate::failure::{Failure, chain};
use crate::server::Server;

/// The most that is read of an answer: a history of 100,000 releases, and no endless stream.
const MAX_ANSWER: u64 = 128 << 20;

/// A body and what came with it.
#[derive(Debug)]
pub(crate) struct Answer<T> {
    pub(crate) body: T,
    /// The server's clock, when it answered.
    pub(crate) date: Option<SystemTime>,
}

/// No answer came.
pub(super) fn unreachable(server: &Server, error: &reqwest::Error) -> Failure {
    // reqwest's own text and the ones between repeat the address and say little.
    let cause = root_cause(error);
    if cause.contains("certificate") {
        return Failure::new(
            Code::Offline,
            format!("{server} has a certificate that is not trusted: {cause}"),
        )
        .remedy("Check the address; for a certificate authority of your own give --ca-file FILE.");
    }
    if error.is_timeout() && !error.is_connect() {
        return Failure::new(Code::Offline, format!("{server} did not answer in time"))
            .remedy("Check that the server is well, and repeat the command.");
    }
    if error.is_connect() {
        return Failure::new(Code::Offline, format!("{server} cannot be reached: {cause}"))
            .remedy("Check the address, and that the server runs.");
    }
    Failure::new(Code::Offline, format!("the connection to {server} broke: {cause}"))
        .remedy("Repeat the command.")
}

fn root_cause(error: &dyn Error) -> String {
    let mut cause = error;
    while let Some(deeper) = cause.source() {
        cause = deeper;
    }
    cause.to_string()
}

/// Reads an answer.
///
/// # Errors
/// The server's own error; `bad_reply` for what no ota-server says.
pub(super) fn read<T: DeserializeOwned>(server: &Server, response: Response) -> Result<Answer<T>, Failure> {
    let status = response.status();
    let header = |name| response.headers().get(name).and_then(|value| value.to_str().ok()).map(str::to_owned);
    let (date, kind, location) = (header(DATE), header(CONTENT_TYPE), header(LOCATION));
    if status.is_redirection() {
        return Err(elsewhere(server, location.as_deref()));
    }
    let mut bytes = Vec::new();
    response.take(MAX_ANSWER).read_to_end(&mut bytes).map_err(|error| {
        Failure::new(Code::Offline, format!("the connection to {server} broke: {}", chain(&error)))
            .remedy("Repeat the command.")
    })?;
    if !status.is_success() {
        return Err(refusal(server, status, kind.as_deref(), &bytes));
    }
    let body =
        serde_json::from_slice(&bytes).map_err(|_| foreign(server, status, kind.as_deref(), &bytes))?;
    Ok(Answer { body, date: date.and_then(|date| httpdate::parse_http_date(&date).ok()) })
}

fn refusal(server: &Server, status: StatusCode, kind: Option<&str>, bytes: &[u8]) -> Failure {
    if let Ok(body) = serde_json::from_slice::<ErrorBody>(bytes) {
        return Failure::of_server(body);
    }
    match status {
        StatusCode::UNAUTHORIZED => {
            Failure::new(Code::Unauthorized, format!("{server} does not take the login"))
                .remedy("Check the account's name and its password.")
        }
        StatusCode::PAYLOAD_TOO_LARGE => {
            Failure::new(Code::TooLarge, format!("something in front of {server} takes no body of this size"))
                .remedy("Raise the proxy's limit (nginx: client_max_body_size), or make the bundle smaller.")
        }
        status if status.is_server_error() => {
            Failure::new(Code::ServerError, format!("{server} answered {status}"))
                .remedy("Check that the server runs, and what its log and its proxy's log say.")
        }
        status => foreign(server, status, kind, bytes),
    }
}

/// A token that is not taken: the command that helps has an address, which this side knows.
pub(super) fn log_in_again(server: &Server, source: TokenSource, failure: Failure) -> Failure {
    if !failure.is(Code::Unauthorized) {
        return failure;
    }
    let what =
        format!("{server} does not take the token: it has expired, was revoked, or is another server's");
    let remedy = match source {
        TokenSource::Login => format!("Log in again with `ota login --server {server} --user NAME`."),
        TokenSource::Environment => {
            "Set OTA_TOKEN to one that `ota-server token new` made on that server, or unset \
                                     it and log in with `ota login`."
                .to_owned()
        }
    };
    Failure::new(Code::Unauthorized, what).remedy(remedy)
}

/// What came was not said by an ota-server.
fn foreign(server: &Server, status: StatusCode, kind: Option<&str>, bytes: &[u8]) -> Failure {
    let is_page = kind.is_some_and(|kind| kind.starts_with("text/html"))
        || bytes.trim_ascii_start().first().is_some_and(|first| *first == b'<');
    let text = String::from_utf8_lossy(&bytes[..bytes.len().min(64 * 1024)]);
    let title = text
        .split_once("<title>")
        .and_then(|(_, rest)| rest.split_once("</title>"))
        .map(|(title, _)| format!(" titled \"{}\"", title.trim().chars().take(80).collect::<String>()));
    let what = match (is_page, status.is_success()) {
        (true, _) => format!("a web page{}", title.unwrap_or_default()),
        (false, true) => "something else".to_owned(),
        (false, false) => format!("{status}"),
    };
    Failure::new(Code::BadReply, format!("{server} does not answer as an ota-server does: {what} came"))
        .remedy("Check the address; a network's login page or a proxy may answer in the server's place.")
}

fn elsewhere(server: &Server, location: Option<&str>) -> Failure {
    let to = location.map(|location| format!(" to {location}")).unwrap_or_default();
    let failure = Failure::new(Code::BadReply, format!("{server} sends elsewhere{to}"));
    let https = server.as_str().replacen("http://", "https://", 1);
    if server.as_str() != https && location.is_some_and(|location| location.starts_with(&https)) {
        return failure.remedy(format!("Give --server {https}."));
    }
    failure.remedy(
        "Give the address it sends to, if it is yours; a network's login page may answer in its place.",
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    fn server() -> Server {
        "http://ota.example.com".parse().unwrap()
    }

    fn refused(status: u16, body: &str) -> Failure {
        refusal(&server(), StatusCode::from_u16(status).unwrap(), None, body.as_bytes())
    }

    #[test]
    fn a_server_speaks_for_itself() {
        let failure = refused(409, r#"{"code":"version_exists","message":"It is there. Take another."}"#);
        assert_eq!(failure.to_string(), "It is there. Take another.");
        assert!(failure.is(Code::VersionExists));
    }

    #[test]
    fn an_expired_token_names_the_command_that_helps() {
        for body in [
            r#"{"code":"unauthorized","message":"The token has expired. Log in again with `ota login`."}"#,
            "Unauthorized",
        ] {
            let failure = log_in_again(&server(), TokenSource::Login, refused(401, body));
            assert!(failure.is(Code::Unauthorized));
            let text = failure.to_string();
            assert!(text.contains("ota login --server http://ota.example.com"), "{text}");
            assert_eq!(text.matches("Log in again").count(), 1, "{text}");
        }
        let other = refused(404, r#"{"code":"not_found","message":"Nothing."}"#);
        assert_eq!(log_in_again(&server(), TokenSource::Login, other.clone()), other);
    }

    #[test]
    fn proxies_that_answer_in_its_place_are_told_apart() {
        assert!(refused(413, "<html>413</html>").is(Code::TooLarge));
        assert!(refused(502, "<html>Bad gateway</html>").is(Code::ServerError));
        assert!(refused(404, "not here").is(Code::BadReply));
        let page = foreign(&server(), StatusCode::OK, None, b"<html><title> Hotel </title>");
        assert!(page.to_string().contains("a web page titled \"Hotel\""), "{page}");
    }

    #[test]
    fn a_move_to_https_is_named() {
        let failure = elsewhere(&server(), Some("https://ota.example.com/api/auth/login"));
        assert!(failure.to_string().contains("--server https://ota.example.com."), "{failure}");
        assert!(elsewhere(&server(), Some("http://portal/")).to_string().contains("login page"));
    }
}
