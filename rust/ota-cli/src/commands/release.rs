//! `ota release`: what a channel has and offers.

mod delete;
mod list;
mod promote;
mod rollback;
mod show;

use clap::Subcommand;
use ota_protocol::publish::{Published, ReleaseItem};
use serde::Serialize;

use crate::connection::Connection;
use crate::failure::Failure;
use crate::output::{Output, Report};

/// See and change what a channel offers
#[derive(Debug, clap::Args)]
pub(crate) struct Release {
    #[command(flatten)]
    connection: Connection,
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    List(list::List),
    Show(show::Show),
    Delete(delete::Delete),
    Rollback(rollback::Rollback),
    Promote(promote::Promote),
}

impl Release {
    pub(crate) fn run(self, output: Output) -> Result<(), Failure> {
        let client = self.connection.authorized(output)?;
        match self.command {
            Command::List(command) => command.run(&client, output),
            Command::Show(command) => command.run(&client, output),
            Command::Delete(command) => command.run(&client, output),
            Command::Rollback(command) => command.run(&client, output),
            Command::Promote(command) => command.run(&client, output),
        }
    }
}

/// A release as it is now, and how that came about in words.
#[derive(Debug, Serialize)]
struct Changed {
    #[serde(flatten)]
    published: Published,
    #[serde(skip)]
    text: String,
}

impl Report for Changed {
    fn text(&self) -> String {
        let sequence = self.published.sequence.map(|sequence| format!("\nSequence  {sequence}"));
        format!("{}{}", self.text, sequence.unwrap_or_default())
    }
}

/// A listed release in the shape that the changing routes answer with.
fn unchanged(item: &ReleaseItem) -> Published {
    let document = item.document.as_ref();
    Published {
        row: item.row.clone(),
        root: document.and_then(|document| document.root),
        sequence: document.map(|document| document.sequence),
        replaced: None,
    }
}
