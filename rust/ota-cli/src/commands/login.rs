//! `ota login`.

use std::io::{self, IsTerminal as _, Read as _};

use ota_protocol::Code;
use serde::Serialize;

use crate::connection::Connection;
use crate::credentials::{self, Credentials};
use crate::failure::Failure;
use crate::output::{Output, Report};
use crate::server::Server;

/// Log in to a server; the token is kept for later commands
#[derive(Debug, clap::Args)]
pub(crate) struct Login {
    #[command(flatten)]
    connection: Connection,
    /// Account name
    #[arg(long, value_name = "NAME")]
    user: String,
    /// Read the password from standard input instead of asking for it
    #[arg(long)]
    password_stdin: bool,
}

#[derive(Debug, Serialize)]
struct LoggedIn {
    server: String,
    user: String,
}

impl Report for LoggedIn {
    fn text(&self) -> String {
        format!("Logged in to {} as {}. The token lives 12 hours.", self.server, self.user)
    }
}

impl Login {
    pub(crate) fn run(self, output: Output) -> Result<(), Failure> {
        let server = self.connection.server()?;
        // Before the password is asked for: what cannot be kept need not be typed.
        let mut credentials = Credentials::load()?;
        let client = self.connection.open(&server, output)?;
        let password = if self.password_stdin { from_stdin()? } else { ask(&server, &self.user)? };
        let reply = client.log_in(&self.user, &password)?;
        credentials.keep(&server, credentials::Login { user: self.user.clone(), token: reply.token });
        credentials.save()?;
        output.report(&LoggedIn { server: server.to_string(), user: self.user })
    }
}

fn ask(server: &Server, user: &str) -> Result<String, Failure> {
    let unasked = |what: String| {
        Failure::new(Code::InvalidArgument, what).remedy("Give it on standard input with --password-stdin.")
    };
    if !io::stdin().is_terminal() {
        return Err(unasked("there is no terminal to ask for the password".to_owned()));
    }
    rpassword::prompt_password(format!("Password of {user} at {server}: "))
        .map_err(|error| unasked(format!("the password cannot be asked for: {error}")))
}

fn from_stdin() -> Result<String, Failure> {
    let mut text = String::new();
    io::stdin().take(64 * 1024).read_to_string(&mut text).map_err(|error| {
        Failure::new(Code::InvalidArgument, format!("the password cannot be read: {error}"))
            .remedy("Give it on standard input, as UTF-8.")
    })?;
    let password =
        text.strip_suffix('\n').map_or(text.as_str(), |line| line.strip_suffix('\r').unwrap_or(line));
    if password.is_empty() {
        return Err(Failure::new(Code::InvalidArgument, "there is no password on standard input")
            .remedy("Give it there, or leave --password-stdin out to be asked."));
    }
    Ok(password.to_owned())
}
