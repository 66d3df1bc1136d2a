//! One file per subcommand.

mod bundle;
mod deploy;
mod device;
mod login;
mod logout;
mod release;

use clap::Subcommand;

use crate::failure::Failure;
use crate::output::Output;

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    #[command(subcommand)]
    Bundle(bundle::Bundle),
    Deploy(Box<deploy::Deploy>),
    Device(Box<device::Device>),
    Login(login::Login),
    Logout(logout::Logout),
    Release(release::Release),
}

impl Command {
    /// Whether programs alone drive it, so that it needs no `--json`.
    pub(crate) fn speaks_json(&self) -> bool {
        matches!(self, Self::Device(_))
    }

    pub(crate) fn run(self, output: Output) -> Result<(), Failure> {
        match self {
            Self::Bundle(command) => command.run(output),
            Self::Deploy(command) => command.run(output),
            Self::Device(command) => command.run(output),
            Self::Login(command) => command.run(output),
            Self::Logout(command) => command.run(output),
            Self::Release(command) => command.run(output),
        }
    }
}
