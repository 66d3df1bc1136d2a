//! `ota deploy`.

mod warnings;

use std::path::PathBuf;

use indicatif::{ProgressBar, ProgressStyle};
use ota_protocol::publish::{HistoryRow, Published};
use ota_protocol::release::{Artifact, ArtifactKind, Kind, ReleaseDocument};
use ota_protocol::{AppId, Channel, Code, NativeRange, Percent, Platform, Version};
use serde::Serialize;

use crate::client::{Answer, Client, Upload};
use crate::connection::Connection;
use crate::failure::Failure;
use crate::output::{Output, Report, Warning};
use crate::prepared::Prepared;
use crate::text;

/// How often a release is made again when another publication came between.
const SEQUENCE_TRIES: usize = 3;

/// Publish a built web app
#[derive(Debug, clap::Args)]
pub(crate) struct Deploy {
    /// The build's output folder, or a zip of it
    #[arg(value_name = "DIR|ZIP")]
    bundle: PathBuf,
    /// What the release is called, such as 1.2.0
    #[arg(long, value_name = "V")]
    version: Version,
    /// Where it is offered
    #[arg(long, value_name = "C", default_value_t)]
    channel: Channel,
    /// Whose it is, as the app's appId; the first deploy that names one fixes it for the server
    #[arg(long, value_name = "ID")]
    app: Option<AppId>,
    /// The one system it is for [default: all]
    #[arg(long, value_enum)]
    platform: Option<PlatformArg>,
    /// Lowest native version it runs on
    #[arg(long, value_name = "V")]
    native_min: Option<String>,
    /// Highest native version it runs on, such as 1.x
    #[arg(long, value_name = "V")]
    native_max: Option<String>,
    /// Share of devices that get it, 0 to 100
    #[arg(long, value_name = "PERCENT", default_value = "100")]
    rollout: Percent,
    /// Devices apply it at once instead of at the next launch
    #[arg(long)]
    mandatory: bool,
    /// Devices on which this very bundle was blocked after time-outs try it once more
    #[arg(long)]
    retry: bool,
    #[command(flatten)]
    connection: Connection,
}

#[derive(Debug, Clone, Copy, clap::ValueEnum)]
enum PlatformArg {
    Android,
    Ios,
}

/// What was published, and what to know about it.
#[derive(Debug, Serialize)]
struct Deployed {
    server: String,
    #[serde(flatten)]
    published: Published,
    /// Whether the server had the version already, and changed nothing.
    unchanged: bool,
    warnings: Vec<Warning>,
    #[serde(skip)]
    percent: Percent,
}

impl Report for Deployed {
    fn text(&self) -> String {
        let Published { row, root, sequence, replaced } = &self.published;
        let HistoryRow { channel, version, .. } = row;
        let mut lines = vec![match (self.unchanged, replaced) {
            (true, _) => {
                format!(
                    "{version} was in {channel} already, with the same bytes. Nothing was changed; other options take a new version."
                )
            }
            (false, None) => format!("Published {version} to {channel} on {}.", self.server),
            (false, Some(replaced)) => {
                format!("Published {version} to {channel} on {}, replacing {replaced}.", self.server)
            }
        }];
        if self.unchanged && !row.active {
            lines.push(format!(
                "The channel offers another version; `ota release rollback --channel {channel} --to {version}` \
                 offers this one."
            ));
        }
        if let Some(root) = root {
            lines.push(format!("Bundle    {root}"));
        }
        lines.push(format!("Checksum  {}", row.checksum));
        if let Some(sequence) = sequence {
            lines.push(format!("Sequence  {sequence}"));
        }
        if !self.unchanged && !self.percent.is_complete() {
            lines.push(format!("Rollout   {} of the devices", self.percent));
        }
        lines.join("\n")
    }
}

impl Deploy {
    pub(crate) fn run(self, output: Output) -> Result<(), Failure> {
        let native = self.native_range()?;
        if self.channel.is_apk() {
            return Err(Failure::new(
                Code::ReservedChannel,
                "channel apk holds Android packages, not bundles",
            ));
        }
        let client = self.connection.authorized(output)?;
        // What does not concern the server is wrong without it, too.
        let prepared = Prepared::new(&self.bundle)?;
        let mut warnings = Vec::new();
        warnings.extend(warnings::ready(&prepared));
        for warning in &warnings {
            output.warn(warning);
        }

        let before = self.ask(&client, &prepared)?;
        if let Some(warning) = before.date.and_then(warnings::clock) {
            output.warn(&warning);
            warnings.push(warning);
        }
        let size = text::bytes(prepared.size);
        let files = text::count(prepared.list.files(), "file");
        output.note(&format!(
            "Uploading {files}, {} ({size} as a zip)",
            text::bytes(prepared.list.unpacked_size())
        ));
        let document = self.document(&prepared, native);
        let published =
            upload(&client, Upload { document: &document, mandatory: self.mandatory }, &prepared)?;
        output.report(&Deployed {
            server: client.server().to_string(),
            published,
            unchanged: before.body,
            warnings,
            percent: self.rollout,
        })
    }

    fn native_range(&self) -> Result<NativeRange, Failure> {
        let native = NativeRange { min: self.native_min.clone(), max: self.native_max.clone() };
        native.validate().map_err(|rule| Failure::usage(format!("--native-min and --native-max: {rule}")))?;
        Ok(native)
    }

    /// Asks the server before anything large is sent: whether it is one, takes the token, and has the version.
    /// Gives whether it has these very bytes under it.
    fn ask(&self, client: &Client, prepared: &Prepared) -> Result<Answer<bool>, Failure> {
        let history = match client.history(&self.channel) {
            Ok(history) => history,
            // A deploy token that may only upload; the upload itself will tell.
            Err(failure) if failure.is(Code::Forbidden) => return Ok(Answer { body: false, date: None }),
            Err(failure) => return Err(failure),
        };
        let there = history.body.items.iter().find(|row| row.version == self.version);
        if there.is_some_and(|row| row.checksum != prepared.checksum) {
            let what = format!("{} was published to {} before, with other bytes", self.version, self.channel);
            return Err(Failure::new(Code::VersionExists, what));
        }
        Ok(Answer { body: there.is_some(), date: history.date })
    }

    fn document(&self, prepared: &Prepared, native: NativeRange) -> ReleaseDocument {
        let zip = Artifact {
            kind: ArtifactKind::Zip,
            base: None,
            size: prepared.size,
            checksum: prepared.checksum,
        };
        let platform = self.platform.map(|platform| match platform {
            PlatformArg::Android => Platform::Android,
            PlatformArg::Ios => Platform::Ios,
        });
        ReleaseDocument {
            app_id: self.app.clone(),
            channel: self.channel.clone(),
            version: self.version.clone(),
            sequence: 0,
            kind: Kind::Release,
            root: Some(prepared.list.root()),
            unpacked_size: prepared.list.unpacked_size(),
            files: prepared.list.files() as u64,
            artifacts: vec![zip.into()],
            platforms: platform.into_iter().collect(),
            native,
            mandatory_since: None,
            percent: self.rollout,
            created_at: None,
            issued_at: None,
            retry: self.retry,
            critical: Vec::new(),
        }
    }
}

/// Uploads, with a bar on a terminal. Where another publication took the sequence meanwhile, once more.
fn upload(client: &Client, upload: Upload<'_>, prepared: &Prepared) -> Result<Published, Failure> {
    let mut tries = 1;
    loop {
        let bar = bar(prepared.size);
        let result = client.upload(upload, bar.wrap_read(prepared.open()?));
        bar.finish_and_clear();
        match result {
            Err(failure) if failure.is(Code::Sequence) && tries < SEQUENCE_TRIES => tries += 1,
            result => return Ok(result?.body),
        }
    }
}

/// Bytes and rate; indicatif shows nothing where standard error is no terminal.
fn bar(size: u64) -> ProgressBar {
    const TEMPLATE: &str = "{bar:30} {decimal_bytes}/{decimal_total_bytes} {decimal_bytes_per_sec}";
    let bar = ProgressBar::new(size);
    if let Ok(style) = ProgressStyle::with_template(TEMPLATE) {
        bar.set_style(style);
    }
    bar
}
