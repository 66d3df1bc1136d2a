//! `ota release list`.

use ota_protocol::Channel;
use ota_protocol::publish::{ReleaseItem, ReleaseList};
use serde::Serialize;

use crate::client::Client;
use crate::failure::Failure;
use crate::output::{Output, Report};
use crate::text;

/// List a channel's releases, newest first
#[derive(Debug, clap::Args)]
pub(super) struct List {
    /// The channel
    #[arg(long, value_name = "C")]
    channel: Channel,
}

#[derive(Debug, Serialize)]
struct Listed {
    #[serde(flatten)]
    list: ReleaseList,
    #[serde(skip)]
    channel: Channel,
}

impl Report for Listed {
    fn text(&self) -> String {
        if self.list.items.is_empty() {
            return format!("Channel {} has no releases.", self.channel);
        }
        let head = ["VERSION", "STATE", "PUBLISHED", "SIZE", "ROLLOUT", "FOR", "BUNDLE"];
        text::table(head, self.list.items.iter().map(row))
    }
}

fn row(item: &ReleaseItem) -> [String; 7] {
    let dash = || "-".to_owned();
    let document = item.document.as_ref();
    let short = |root: ota_protocol::Root| root.to_string().chars().take(12).collect();
    [
        item.row.version.to_string(),
        item.state.clone(),
        text::time(item.row.uploaded_at),
        text::bytes(item.row.size),
        document.map_or_else(dash, |document| document.percent.to_string()),
        document.map_or_else(dash, super::show::audience),
        document.and_then(|document| document.root).map_or_else(dash, short),
    ]
}

impl List {
    pub(super) fn run(self, client: &Client, output: Output) -> Result<(), Failure> {
        let list = client.releases(&self.channel)?;
        output.report(&Listed { list, channel: self.channel })
    }
}
