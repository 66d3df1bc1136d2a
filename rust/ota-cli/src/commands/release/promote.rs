//! `ota release promote`.

use ota_protocol::publish::ActionRequest;
use ota_protocol::{Channel, Version};

use super::Changed;
use crate::client::{Action, Client};
use crate::failure::Failure;
use crate::output::Output;

/// Publish a channel's release to another channel, without uploading it again
#[derive(Debug, clap::Args)]
pub(super) struct Promote {
    /// The channel that has it
    #[arg(long, value_name = "C")]
    channel: Channel,
    /// The version
    version: Version,
    /// The channel to publish it to
    #[arg(long, value_name = "C2")]
    to: Channel,
}

impl Promote {
    pub(super) fn run(self, client: &Client, output: Output) -> Result<(), Failure> {
        let Self { channel, version, to } = self;
        if channel == to {
            return Err(Failure::usage(format!("--channel and --to are both {to}")));
        }
        let body = ActionRequest { to: Some(to.clone()) };
        let published = client.act(&channel, &version, Action::Promote, &body)?;
        let text = match &published.replaced {
            _ if !published.row.active => format!(
                "{to} had {version} already and offers another version; `ota release rollback --channel {to} --to \
                 {version}` offers this one."
            ),
            Some(replaced) => format!("{to} offers {version} of {channel}, replacing {replaced}."),
            None => format!("{to} offers {version} of {channel}."),
        };
        output.report(&Changed { published, text })
    }
}
