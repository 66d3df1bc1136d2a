//! `ota bundle`: making bundles and looking into them; no server is needed.

mod inspect;
mod zip;

use clap::Subcommand;

use crate::failure::Failure;
use crate::output::Output;

/// Make bundles and look into them
#[derive(Debug, Subcommand)]
pub(crate) enum Bundle {
    Zip(zip::Zip),
    Inspect(inspect::Inspect),
}

impl Bundle {
    pub(crate) fn run(self, output: Output) -> Result<(), Failure> {
        match self {
            Self::Zip(command) => command.run(output),
            Self::Inspect(command) => command.run(output),
        }
    }
}
