//! Which server a command speaks to, and with which token.

use std::path::PathBuf;

use ota_protocol::Code;

use crate::client::{Client, TokenSource};
use crate::credentials::Credentials;
use crate::failure::Failure;
use crate::output::{Output, Warning};
use crate::server::Server;

/// Options of every command that speaks to a server.
#[derive(Debug, clap::Args)]
pub(crate) struct Connection {
    /// The server; else `OTA_SERVER`, else the one of the last `ota login`
    #[arg(long, value_name = "URL", global = true)]
    server: Option<Server>,
    /// Certificates (PEM) to trust besides the public ones; else `OTA_CA_FILE`
    #[arg(long, value_name = "FILE", global = true)]
    ca_file: Option<PathBuf>,
}

/// An environment variable that says something.
fn variable(name: &str) -> Option<String> {
    std::env::var(name).ok().map(|value| value.trim().to_owned()).filter(|value| !value.is_empty())
}

impl Connection {
    /// The server.
    pub(crate) fn server(&self) -> Result<Server, Failure> {
        if let Some(server) = &self.server {
            return Ok(server.clone());
        }
        if let Some(text) = variable("OTA_SERVER") {
            return text.parse().map_err(|rule| Failure::usage(format!("OTA_SERVER is {text}: {rule}")));
        }
        Credentials::load()?.default_server().ok_or_else(|| {
            Failure::usage("no server is given").remedy(
                "Give --server URL, or set OTA_SERVER, or log in with `ota login --server URL --user NAME`.",
            )
        })
    }

    /// A client that has not logged in.
    pub(crate) fn open(&self, server: &Server, output: Output) -> Result<Client, Failure> {
        if server.is_open_to_others() {
            output.warn(&Warning {
                code: "not_encrypted",
                message: format!("{server} is not encrypted: others can read password and token on the way."),
            });
        }
        let ca_file = self.ca_file.clone().or_else(|| variable("OTA_CA_FILE").map(PathBuf::from));
        Client::new(server, ca_file.as_deref())
    }

    /// A client with a token: `OTA_TOKEN`, or the server's login.
    pub(crate) fn authorized(&self, output: Output) -> Result<Client, Failure> {
        let server = self.server()?;
        let token = match variable("OTA_TOKEN") {
            Some(token) => Some((token, TokenSource::Environment)),
            None => {
                Credentials::load()?.login(&server).map(|login| (login.token.clone(), TokenSource::Login))
            }
        };
        let (token, source) = token.ok_or_else(|| {
            Failure::new(Code::Unauthorized, format!("there is no login for {server}"))
                .remedy(format!("Log in with `ota login --server {server} --user NAME`, or set OTA_TOKEN."))
        })?;
        Ok(self.open(&server, output)?.with_token(token, source))
    }
}
