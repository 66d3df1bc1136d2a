//! `ota release show`.

use ota_protocol::publish::ReleaseItem;
use ota_protocol::release::ReleaseDocument;
use ota_protocol::{Channel, Code, Platform, Version};
use serde::Serialize;

use crate::client::Client;
use crate::failure::Failure;
use crate::output::{Output, Report};
use crate::text;

/// Show one release with everything known of it
#[derive(Debug, clap::Args)]
pub(super) struct Show {
    /// The channel
    #[arg(long, value_name = "C")]
    channel: Channel,
    /// The version
    version: Version,
}

#[derive(Debug, Serialize)]
#[serde(transparent)]
struct Shown(ReleaseItem);

impl Report for Shown {
    fn text(&self) -> String {
        let ReleaseItem { row, state, document, .. } = &self.0;
        let mut lines = vec![
            format!("Version    {}", row.version),
            format!("Channel    {}", row.channel),
            format!("State      {state}"),
            format!("Published  {}", text::time(row.uploaded_at)),
            format!("File       {}, {}", row.filename, text::bytes(row.size)),
            format!("Checksum   {}", row.checksum),
        ];
        if let Some(document) = document {
            lines.extend(describe(document));
        }
        lines.join("\n")
    }
}

fn describe(document: &ReleaseDocument) -> Vec<String> {
    let mut lines = Vec::new();
    if let Some(root) = document.root {
        lines.push(format!("Bundle     {root}"));
    }
    let files = text::count(usize::try_from(document.files).unwrap_or(usize::MAX), "file");
    lines.push(format!("Unpacked   {files}, {}", text::bytes(document.unpacked_size)));
    lines.push(format!("Sequence   {}", document.sequence));
    lines.push(format!("Rollout    {}", document.percent));
    lines.push(format!("For        {}", audience(document)));
    if let Some(app) = &document.app_id {
        lines.push(format!("App        {app}"));
    }
    if let Some(since) = document.mandatory_since {
        lines.push(format!("Mandatory  for whoever is below sequence {since}"));
    }
    if let Some(created) = document.created_at {
        lines.push(format!("First out  {}", text::time(created)));
    }
    if document.retry {
        lines.push("Retry      once more where it timed out".to_owned());
    }
    lines
}

/// `all`, or platforms and native versions: `android, native 1.0.0 to 1.x`.
pub(super) fn audience(document: &ReleaseDocument) -> String {
    let platforms: Vec<_> = document.platforms.iter().map(Platform::as_str).collect();
    let native = match (&document.native.min, &document.native.max) {
        (None, None) => None,
        (Some(min), None) => Some(format!("native {min} and up")),
        (None, Some(max)) => Some(format!("native up to {max}")),
        (Some(min), Some(max)) => Some(format!("native {min} to {max}")),
    };
    let parts: Vec<_> = platforms.into_iter().map(str::to_owned).chain(native).collect();
    if parts.is_empty() { "all".to_owned() } else { parts.join(", ") }
}

impl Show {
    pub(super) fn run(self, client: &Client, output: Output) -> Result<(), Failure> {
        let list = client.releases(&self.channel)?;
        match list.items.into_iter().find(|item| item.row.version == self.version) {
            Some(item) => output.report(&Shown(item)),
            None => Err(missing(&self.channel, &self.version)),
        }
    }
}

/// The channel has no such version.
pub(super) fn missing(channel: &Channel, version: &Version) -> Failure {
    Failure::new(Code::NotFound, format!("channel {channel} has no version {version}"))
        .remedy(format!("See `ota release list --channel {channel}`."))
}
