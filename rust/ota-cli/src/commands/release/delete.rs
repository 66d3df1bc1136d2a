//! `ota release delete`.

use ota_protocol::publish::Deleted;
use ota_protocol::{Channel, Version};
use serde::Serialize;

use crate::client::Client;
use crate::failure::Failure;
use crate::output::{Output, Report};

/// Delete a version; where it was the active one, the one before it is offered again
#[derive(Debug, clap::Args)]
pub(super) struct Delete {
    /// The channel
    #[arg(long, value_name = "C")]
    channel: Channel,
    /// The version
    version: Version,
}

#[derive(Debug, Serialize)]
struct Gone {
    channel: Channel,
    #[serde(flatten)]
    deleted: Deleted,
}

impl Report for Gone {
    fn text(&self) -> String {
        let Deleted { deleted, active } = &self.deleted;
        let channel = &self.channel;
        match active {
            Some(active) => format!("Deleted {deleted} from {channel}. The channel offers {active}."),
            None => format!(
                "Deleted {deleted} from {channel}. The channel is empty: devices go back to what their app shipped with."
            ),
        }
    }
}

impl Delete {
    pub(super) fn run(self, client: &Client, output: Output) -> Result<(), Failure> {
        let deleted = client.delete(&self.channel, &self.version)?;
        output.report(&Gone { channel: self.channel, deleted })
    }
}
