//! The command line: the server itself, and what operators do beside it.

mod backup;
mod serve;
mod token;
mod user;

use std::error::Error;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use clap::{Args, Parser, Subcommand};

use crate::data_dir::{self, DataDir};
use crate::db::{self, Db};

/// Self-hosted over-the-air updates for Capacitor apps.
#[derive(Parser)]
#[command(
    name = "ota-server",
    version,
    subcommand_negates_reqs = true,
    args_conflicts_with_subcommands = true
)]
struct Cli {
    #[command(flatten)]
    serve: Option<serve::Serve>,
    #[command(subcommand)]
    command: Option<Command>,
}

#[derive(Subcommand)]
enum Command {
    /// Accounts of people who publish
    #[command(subcommand)]
    User(user::User),
    /// Deploy tokens for CI
    #[command(subcommand)]
    Token(token::Token),
    /// Write a consistent copy of the data directory to FILE, a tar, while the server runs
    Backup(backup::Backup),
}

/// Where the data is.
#[derive(Args)]
struct Data {
    /// The server's data directory
    #[arg(long, value_name = "DIR")]
    data: PathBuf,
}

impl Data {
    /// Opens the database of a directory that is one: a mistyped name must not become an empty server.
    fn open_existing(&self) -> Result<Db, Box<dyn Error>> {
        if !self.data.join(db::FILE).is_file() {
            return Err(format!("{} is not a data directory", self.data.display()).into());
        }
        self.open()
    }

    /// Opens the database beside a server that may be running.
    fn open(&self) -> Result<Db, Box<dyn Error>> {
        data_dir::create(&self.data)?;
        if db::is_current(&self.data.join(db::FILE))? {
            return Ok(Db::open(&self.data)?);
        }
        // Nobody changes the schema under a server that runs.
        let _held = DataDir::take(&self.data)?;
        Ok(Db::open(&self.data)?)
    }
}

/// Runs the command line of this process.
pub fn run() -> ExitCode {
    let cli = Cli::parse();
    let result = match (cli.command, cli.serve) {
        (Some(Command::User(user)), _) => user.run(),
        (Some(Command::Token(token)), _) => token.run(),
        (Some(Command::Backup(backup)), _) => backup.run(),
        (None, Some(serve)) => serve.run(),
        (None, None) => {
            use clap::CommandFactory;
            Cli::command()
                .error(
                    clap::error::ErrorKind::MissingRequiredArgument,
                    "--data DIR is required to start the server",
                )
                .exit()
        }
    };
    match result {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("ota-server: {}", chain(&*error));
            ExitCode::FAILURE
        }
    }
}

/// An error with its causes. A cause that the error's own text has already is not said twice.
fn chain(error: &dyn Error) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        let more = error.to_string();
        if !text.ends_with(&more) {
            text = format!("{text}: {more}");
        }
        cause = error.source();
    }
    text
}

/// Reads a password: the first line of a file, or of standard input where the file is `-`.
fn read_password(file: &Path) -> Result<String, Box<dyn Error>> {
    let text = if file == Path::new("-") {
        std::io::read_to_string(std::io::stdin())?
    } else {
        std::fs::read_to_string(file).map_err(|error| format!("cannot read {}: {error}", file.display()))?
    };
    let password = text.lines().next().unwrap_or_default();
    check_password(password)?;
    Ok(password.to_owned())
}

/// A password that could never log in is refused when it is set.
fn check_password(password: &str) -> Result<(), Box<dyn Error>> {
    match password.len() {
        0 => Err("the password is empty: give one, or leave it out and one is made".into()),
        len if len > crate::auth::LONGEST_PASSWORD => Err("the password has more than 1024 bytes".into()),
        _ => Ok(()),
    }
}
