//! `POST /api/ota/admin/ota/upload`.

use std::io::Read;
use std::time::Duration;

use ota_protocol::Code;
use ota_protocol::publish::Published;
use ota_protocol::release::ReleaseDocument;
use reqwest::Method;
use reqwest::blocking::multipart::{Form, Part};

use super::{Answer, Client, answer};
use crate::failure::{Failure, chain};

/// A bundle and what is said about it.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Upload<'a> {
    /// All but sequence and dates, which the server fills in.
    pub(crate) document: &'a ReleaseDocument,
    /// Whoever has not seen this release applies it at once.
    pub(crate) mandatory: bool,
}

impl Client {
    /// Uploads a zip; its size and checksum are those of the document. The bytes are read as they are sent.
    pub(crate) fn upload(
        &self,
        upload: Upload<'_>,
        zip: impl Read + Send + 'static,
    ) -> Result<Answer<Published>, Failure> {
        let form = form(upload, zip).map_err(|what| Failure::new(Code::Internal, what))?;
        let size = upload.document.zip().map_or(0, |zip| zip.size);
        let request = self
            .request(Method::POST, "/api/ota/admin/ota/upload")
            .multipart(form)
            // Long enough for the slowest line that anyone waits for, and not for ever.
            .timeout(Duration::from_secs(300 + size / (16 * 1024)));
        let response = request.send().map_err(|error| {
            answer::unreachable(self.server(), &error)
                .remedy("Repeat the command: the same bytes under the same version are recorded once.")
        })?;
        self.read(response)
    }
}

/// The seed's fields, for servers that know no others, then the document; the file is last, so that a server knows
/// all about it when it comes.
fn form(upload: Upload<'_>, zip: impl Read + Send + 'static) -> Result<Form, String> {
    let document = upload.document;
    let artifact = document.zip().ok_or("the document names no zip")?;
    let mut json = serde_json::to_value(document).map_err(|error| error.to_string())?;
    if let Some(fields) = json.as_object_mut() {
        fields.remove("sequence");
    }
    let mut form = Form::new()
        .text("version", document.version.to_string())
        .text("channel", document.channel.to_string())
        .text("checksum", artifact.checksum.to_string())
        .text("document", json.to_string());
    if upload.mandatory {
        form = form.text("mandatory", "true");
    }
    let file = Part::reader_with_length(zip, artifact.size)
        .file_name(format!("{}-{}.zip", document.channel, document.version))
        .mime_str("application/zip")
        .map_err(|error| chain(&error))?;
    Ok(form.part("file", file))
}
