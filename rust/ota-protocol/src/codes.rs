//! The one list of error codes. Rust, Kotlin, Swift and TypeScript have the same; `docs/errors.md` explains each.

use serde::{Deserialize, Serialize};

/// The body of every error answer.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ErrorBody {
    /// One of [`Code`]'s words; a text, so that a client survives codes of later servers.
    pub code: String,
    /// A sentence for people, with what to do.
    pub message: String,
}

macro_rules! codes {
    ($($variant:ident = $word:literal, $status:literal, $meaning:literal, $remedy:literal;)+) => {
        /// A stable error code. Programs compare it; texts beside it may change.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
        #[non_exhaustive]
        pub enum Code {
            $(#[doc = $meaning] $variant,)+
        }

        impl Code {
            /// Every code, in the order of the documentation.
            pub const ALL: &[Self] = &[$(Self::$variant,)+];

            /// The word on the wire and in every language.
            pub fn as_str(self) -> &'static str {
                match self { $(Self::$variant => $word,)+ }
            }

            /// The HTTP status a server answers with; 0 for codes that only a device raises.
            pub fn status(self) -> u16 {
                match self { $(Self::$variant => $status,)+ }
            }

            /// What it means, a sentence.
            pub fn meaning(self) -> &'static str {
                match self { $(Self::$variant => $meaning,)+ }
            }

            /// What to do about it, a sentence.
            pub fn remedy(self) -> &'static str {
                match self { $(Self::$variant => $remedy,)+ }
            }

            /// Reads a word; `None` for a code of a later version.
            pub fn parse(word: &str) -> Option<Self> {
                match word { $($word => Some(Self::$variant),)+ _ => None }
            }
        }
    };
}

codes! {
    // Both sides
    ChecksumMismatch = "checksum_mismatch", 422, "The bytes do not have the SHA-256 that was stated.",
        "Try again; if it stays, publish the bundle again.";
    RootMismatch = "root_mismatch", 422, "The unpacked files are not the bundle that the release names.",
        "Publish the bundle again; the archive and the release document disagree.";
    NotAZip = "not_a_zip", 422, "The file is not a zip, or is damaged.",
        "Make it with `ota bundle zip`.";
    ArchiveRefused = "archive_refused", 422, "The zip breaks a rule; the text names the entry.",
        "Remove or rename that entry, or make the zip with `ota bundle zip`.";
    ArchiveTooLarge = "archive_too_large", 422, "The zip breaks a limit; the text names it.",
        "Make the bundle smaller.";
    NoIndexHtml = "no_index_html", 422, "There is no index.html at the top of the bundle.",
        "Zip the build's output folder, the one with index.html in it.";
    ReservedChannel = "reserved_channel", 400, "Channel `apk` holds Android packages, not bundles.",
        "Use another channel name.";
    UnknownApp = "unknown_app", 404, "The server serves another app.",
        "Check the app id and the server's address.";
    Internal = "internal", 500, "Something unforeseen went wrong.",
        "The log has the cause; please report it.";
    // Server
    BadRequest = "bad_request", 400, "The request cannot be read.",
        "The text names the field and what is expected.";
    InvalidName = "invalid_name", 400, "A channel, version or app id is outside its rule.",
        "Use 1 to 64 of A-Z a-z 0-9 . _ - (a version also +), starting with a letter or digit.";
    Unauthorized = "unauthorized", 401, "There is no valid token, or the login is wrong.",
        "Log in again with `ota login`.";
    Forbidden = "forbidden", 403, "The token does not allow this.",
        "Use a token whose scope covers it.";
    NotFound = "not_found", 404, "There is nothing at this address.",
        "Check the channel and the version.";
    MethodNotAllowed = "method_not_allowed", 405, "The address does not answer this method.",
        "See /api/openapi.json for the routes.";
    VersionExists = "version_exists", 409, "The version was published before with other bytes.",
        "Publish under a new version.";
    KeyTaken = "key_taken", 409, "Another channel and version have the same file name.",
        "Choose another channel or version name.";
    Sequence = "sequence", 409, "The release's sequence is not above the channel's highest.",
        "Publish again; the sequence is made anew.";
    NeedsSignature = "needs_signature", 409, "The channel is signed, and this changes what it offers.",
        "Repeat it with --sign KEYFILE.";
    TooLarge = "too_large", 413, "The body is larger than the server takes.",
        "Make it smaller, or start the server with a larger --max-upload.";
    UnsupportedMediaType = "unsupported_media_type", 415, "The content type is not what this address takes.",
        "Send JSON or multipart/form-data, as /api/openapi.json says.";
    NotAnApk = "not_an_apk", 422, "The file is not an Android package.",
        "Upload the .apk that the build made.";
    RateLimited = "rate_limited", 429, "There were too many attempts.",
        "Wait as long as Retry-After says.";
    StorageFull = "storage_full", 507, "The server's disk is full.",
        "Free space on the server, or delete old versions.";
    Unavailable = "unavailable", 503, "The server cannot do this now.",
        "Try again in a moment.";
    // Device
    Busy = "busy", 0, "Another process of the app is updating or starting.",
        "Try again later.";
    RetryLater = "retry_later", 0, "The server asked to be left alone for a while.",
        "Try again at the time given.";
    Offline = "offline", 0, "The server cannot be reached.",
        "Check the network; the next check tries again.";
    ServerError = "server_error", 0, "The server answered with an error.",
        "See the server's log; the next check tries again.";
    BadReply = "bad_reply", 0, "What came is not an answer of an update server.",
        "Check updateUrl; a captive portal answers so too.";
    Gone = "gone", 0, "The server no longer has the bundle.",
        "The next check finds out what is offered now.";
    InsecureUrl = "insecure_url", 0, "Plain http is not allowed to this host.",
        "Use https, or allow the host in the config.";
    NoUpdateUrl = "no_update_url", 0, "The config has no updateUrl.",
        "Set plugins.Ota.updateUrl.";
    BadConfig = "bad_config", 0, "The config has a value that cannot be used; the text names it.",
        "Correct it in capacitor.config.";
    Unsupported = "unsupported", 0, "This version of the agent cannot do that.",
        "Update the plugin.";
    CapgoEncryptionUnsupported = "capgo_encryption_unsupported", 0,
        "The config asks for Capgo's encryption, which is not supported.",
        "Remove publicKey and use publicKeys with signed releases.";
    NoRoom = "no_room", 0, "There is too little space for the update.",
        "Free the space that the text names.";
    DiskError = "disk_error", 0, "The disk refused an operation; the text names the path.",
        "Free space or repair the disk; nothing was lost.";
    StateUnreadable = "state_unreadable", 0, "The agent's state cannot be read just now.",
        "The builtin is shown; the next start tries again.";
    StaleToken = "stale_token", 0, "The token is not that of the page shown now.",
        "Nothing to do: an old page spoke late.";
    UnknownBundle = "unknown_bundle", 0, "There is no such bundle on this device.",
        "Use an id that `list` gives.";
    BundleDamaged = "bundle_damaged", 0, "The bundle's files on this device are damaged; it was dropped.",
        "Fetch it again.";
    Blocked = "blocked", 0, "The bundle failed on this device and is not shown again.",
        "Publish a corrected version.";
    InUse = "in_use", 0, "The bundle is shown, is next, or is what a failure goes back to.",
        "Delete it after another one was confirmed.";
    Cancelled = "cancelled", 0, "The call was cancelled.",
        "Nothing to do.";
    InvalidArgument = "invalid_argument", 0, "An argument is missing or has the wrong type; the text names it.",
        "Correct the call.";
    NotBooted = "not_booted", 0, "No bundle was chosen yet in this process.",
        "Call it after the first page was chosen.";
}

impl std::fmt::Display for Code {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.as_str())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_code_reads_back_and_has_its_texts() {
        for code in Code::ALL {
            assert_eq!(Code::parse(code.as_str()), Some(*code));
            assert!(code.meaning().ends_with('.') && code.remedy().ends_with('.'), "{code}");
        }
        assert_eq!(Code::parse("no_such_code"), None);
    }

    /// The page for people lists exactly these codes, with these texts.
    #[test]
    fn the_documentation_lists_every_code() {
        let page = include_str!("../../../docs/errors.md");
        for code in Code::ALL {
            let who = match code.status() {
                0 => "device".to_owned(),
                status => format!("{status}"),
            };
            let row = format!("| `{code}` | {who} | {} | {} |", code.meaning(), code.remedy());
            assert!(page.contains(&row), "docs/errors.md lacks:\n{row}");
        }
        assert_eq!(
            page.matches("\n| `").count(),
            Code::ALL.len(),
            "docs/errors.md lists codes that do not exist"
        );
    }
}
