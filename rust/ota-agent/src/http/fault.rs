//! What went wrong, out of a chain of errors of five libraries.

use std::error::Error;
use std::io;

use rustls::CertificateError;

use crate::ports::TransportError;

/// Sorts a failure. The texts hold no URL, and no more of the server's words than a header's name.
pub(super) fn classify(error: &reqwest::Error) -> TransportError {
    let chain: Vec<&(dyn Error + 'static)> = chain(error);
    if let Some(tls) = chain.iter().find_map(|cause| cause.downcast_ref::<rustls::Error>()) {
        return of_tls(tls);
    }
    if error.is_timeout() || chain.iter().any(|cause| is_timeout(*cause)) {
        return TransportError::TimedOut;
    }
    let last = chain.last().map_or_else(String::new, ToString::to_string);
    if error.is_dns() {
        return TransportError::Unreachable(format!("the host's name cannot be looked up ({last})"));
    }
    let http = chain.iter().find_map(|cause| cause.downcast_ref::<hyper::Error>());
    if http.is_some_and(hyper::Error::is_parse)
        || error.is_builder()
        || chain.iter().any(|cause| is_framing(*cause))
    {
        return TransportError::Malformed(last);
    }
    if http.is_some_and(hyper::Error::is_incomplete_message) {
        return TransportError::Unreachable("the connection was closed in the middle".to_owned());
    }
    TransportError::Unreachable(last)
}

/// An error and its causes. `io::Error` hides the one it was made of: its `source` is that one's source.
fn chain<'a>(error: &'a (dyn Error + 'static)) -> Vec<&'a (dyn Error + 'static)> {
    let mut found = vec![error];
    let mut at = error;
    loop {
        let hidden = at.downcast_ref::<io::Error>().and_then(|error| error.get_ref());
        let next: Option<&'a (dyn Error + 'static)> = match hidden {
            Some(hidden) => Some(hidden),
            None => at.source(),
        };
        match next {
            Some(next) => found.push(next),
            None => return found,
        }
        at = found[found.len() - 1];
    }
}

fn is_timeout(cause: &(dyn Error + 'static)) -> bool {
    cause.downcast_ref::<io::Error>().is_some_and(|error| error.kind() == io::ErrorKind::TimedOut)
}

/// A chunked body whose lengths make no sense.
fn is_framing(cause: &(dyn Error + 'static)) -> bool {
    cause
        .downcast_ref::<io::Error>()
        .is_some_and(|error| matches!(error.kind(), io::ErrorKind::InvalidData | io::ErrorKind::InvalidInput))
}

fn of_tls(error: &rustls::Error) -> TransportError {
    use CertificateError as Why;
    let rustls::Error::InvalidCertificate(why) = error else {
        return match error {
            // Plain HTTP on the port, or a portal that answers everything.
            rustls::Error::InvalidMessage(_) => {
                TransportError::Tls("the server does not speak TLS".to_owned())
            }
            other => TransportError::Tls(other.to_string()),
        };
    };
    TransportError::Tls(match why {
        Why::NotValidForName | Why::NotValidForNameContext { .. } => "it is for another name".to_owned(),
        Why::Expired | Why::ExpiredContext { .. } => {
            "it has expired, or the device's clock is wrong".to_owned()
        }
        Why::NotValidYet | Why::NotValidYetContext { .. } => {
            "it is not valid yet, or the device's clock is wrong".to_owned()
        }
        Why::UnknownIssuer => "its authority is not trusted".to_owned(),
        Why::ApplicationVerificationFailure => "no key of its chain is pinned for this host".to_owned(),
        other => other.to_string(),
    })
}
