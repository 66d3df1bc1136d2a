//! `ota release rollback`.

use ota_protocol::publish::ActionRequest;
use ota_protocol::{Channel, Code, Version};

use super::show::missing;
use super::{Changed, unchanged};
use crate::client::{Action, Client};
use crate::failure::Failure;
use crate::output::Output;

/// Offer an earlier release again, under a new sequence
#[derive(Debug, clap::Args)]
pub(super) struct Rollback {
    /// The channel
    #[arg(long, value_name = "C")]
    channel: Channel,
    /// The version to go back to [default: the one before the active one]
    #[arg(long, value_name = "VERSION")]
    to: Option<Version>,
}

impl Rollback {
    pub(super) fn run(self, client: &Client, output: Output) -> Result<(), Failure> {
        let channel = &self.channel;
        let items = client.releases(channel)?.items;
        let active = items.iter().find(|item| item.row.active);
        let named = match (&self.to, active) {
            (Some(to), Some(active)) if *to == active.row.version => {
                let text = format!("{channel} offers {to} already. Nothing was changed.");
                return output.report(&Changed { published: unchanged(active), text });
            }
            (Some(to), _) if !items.iter().any(|item| item.row.version == *to) => {
                return Err(missing(channel, to));
            }
            (Some(to), _) => to,
            // The route takes the active version for "the one before it".
            (None, Some(active)) => &active.row.version,
            (None, None) => {
                return Err(Failure::new(Code::NotFound, format!("channel {channel} offers nothing"))
                    .remedy("Name the version to go back to with --to, or deploy one."));
            }
        };
        let published = client.act(channel, named, Action::Rollback, &ActionRequest::default())?;
        let instead = published.replaced.as_ref().map(|replaced| format!(" instead of {replaced}"));
        let text =
            format!("{channel} offers {} again{}.", published.row.version, instead.unwrap_or_default());
        output.report(&Changed { published, text })
    }
}
