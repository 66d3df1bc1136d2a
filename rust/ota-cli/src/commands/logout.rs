//! `ota logout`.

use serde::Serialize;

use crate::connection::Connection;
use crate::credentials::Credentials;
use crate::failure::Failure;
use crate::output::{Output, Report};

/// Forget a server's token
#[derive(Debug, clap::Args)]
pub(crate) struct Logout {
    #[command(flatten)]
    connection: Connection,
}

#[derive(Debug, Serialize)]
struct LoggedOut {
    server: String,
    /// Whether there was a login.
    logged_out: bool,
}

impl Report for LoggedOut {
    fn text(&self) -> String {
        if self.logged_out {
            format!("Logged out of {}.", self.server)
        } else {
            format!("There was no login for {}.", self.server)
        }
    }
}

impl Logout {
    pub(crate) fn run(self, output: Output) -> Result<(), Failure> {
        let server = self.connection.server()?;
        let mut credentials = Credentials::load()?;
        let logged_out = credentials.forget(&server);
        if logged_out {
            credentials.save()?;
        }
        output.report(&LoggedOut { server: server.to_string(), logged_out })
    }
}
