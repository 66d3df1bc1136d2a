//! What to do with an answer to a download, decided without touching anything.

use super::answer::{self, ContentRange, Kind};
use super::error::TransferError;
use super::exchange::Answered;
use super::retry::Fault;

/// Where a partial file ends, and what vouches for its bytes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Resume {
    /// The first byte that is missing; neither 0 nor `total`.
    pub(super) at: u64,
    /// Strong.
    pub(super) etag: String,
    /// Bytes of the whole.
    pub(super) total: u64,
}

/// What an answer's head says of the body.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Head {
    pub(super) status: u16,
    pub(super) kind: Kind,
    pub(super) range: Option<ContentRange>,
    /// As it came, weak or strong.
    pub(super) etag: Option<String>,
    pub(super) length: Option<u64>,
    /// The coding put on top of the bytes.
    pub(super) coding: Option<String>,
    pub(super) web_page: bool,
}

impl Head {
    pub(super) fn of(answered: &Answered) -> Self {
        let response = &answered.response;
        Self {
            status: response.status,
            kind: answered.kind,
            range: response.header("content-range").and_then(answer::content_range),
            etag: response.header("etag").map(str::to_owned),
            length: answer::length(response),
            coding: answer::coding(response).map(str::to_owned),
            web_page: answer::is_web_page(response),
        }
    }

    fn strong_etag(&self) -> Option<&str> {
        self.etag.as_deref().and_then(answer::strong_etag)
    }
}

/// What is known of the artifact beforehand.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Bounds {
    /// Its size, where the release says so.
    pub(super) size: Option<u64>,
    /// No artifact is larger.
    pub(super) limit: u64,
}

/// What to do with the body.
#[derive(Debug)]
pub(super) enum Verdict {
    /// It goes on where the partial file ends.
    Append,
    /// It is the artifact from byte 0.
    Whole {
        /// Strong; without one it cannot be gone on with later.
        etag: Option<String>,
        /// Bytes of the artifact; `None`: the body's end tells.
        total: Option<u64>,
    },
    /// It is of no use, and neither is the partial file: ask for the whole.
    Restart,
    /// There is nothing to take.
    Fail(Fault),
}

/// Decides. `resume` is what was asked for; `None`: the whole.
pub(super) fn decide(resume: Option<&Resume>, head: &Head, bounds: Bounds) -> Verdict {
    let status = head.status;
    let settled = |error: TransferError| Verdict::Fail(Fault::Settled(error));
    match head.kind {
        Kind::Later(seconds) => settled(TransferError::RetryAfter { seconds }),
        Kind::Passing => Verdict::Fail(Fault::Passing(TransferError::Status { status })),
        Kind::Gone => settled(TransferError::Gone { status }),
        // What the server has is shorter than what is here, so it is something else. A file of the right length never
        // gets this far: its hash was compared without asking.
        Kind::Settled if status == 416 && resume.is_some() => Verdict::Restart,
        Kind::Settled | Kind::Redirect => settled(TransferError::Status { status }),
        Kind::Success => match (status, resume) {
            (200, _) => whole(head, bounds),
            (206, Some(resume)) if continues(resume, head) => Verdict::Append,
            (206, Some(_)) => Verdict::Restart,
            (206, None) => Verdict::Fail(Fault::bad_reply("a part came where the whole was asked for")),
            _ => settled(TransferError::Status { status }),
        },
    }
}

/// Whether the part that came is exactly the rest that is missing, or its beginning.
fn continues(resume: &Resume, head: &Head) -> bool {
    let Some(range) = head.range else { return false };
    let same = head.etag.is_none() || head.strong_etag() == Some(&resume.etag);
    let length = head.length.is_none_or(|length| length == range.last - range.first + 1);
    range.first == resume.at && range.total == resume.total && same && length && head.coding.is_none()
}

fn whole(head: &Head, bounds: Bounds) -> Verdict {
    if let Some(coding) = &head.coding {
        return Verdict::Fail(Fault::bad_reply(format!("it is encoded ({coding}), which was not asked for")));
    }
    if head.web_page {
        return Verdict::Fail(Fault::bad_reply(
            "a web page came in place of the bundle; the network may want a sign-in first",
        ));
    }
    match (head.length, bounds.size) {
        (Some(found), Some(expected)) if found != expected => Verdict::Fail(Fault::bad_reply(format!(
            "the server has {found} bytes, the release says {expected}"
        ))),
        (Some(found), _) if found > bounds.limit => {
            Verdict::Fail(Fault::Settled(TransferError::TooLarge { limit: bounds.limit }))
        }
        (found, expected) => {
            Verdict::Whole { etag: head.strong_etag().map(str::to_owned), total: expected.or(found) }
        }
    }
}

#[cfg(test)]
mod tests;
