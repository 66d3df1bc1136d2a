//! The `ota` command: packs bundles and publishes releases. `docs/cli.md` describes every command.
//!
//! One file per subcommand in `commands`, each thin; `client` speaks the publishing routes, `prepared` makes what is
//! uploaded, `failure` and `output` are how results and errors look.

mod client;
mod commands;
mod connection;
mod credentials;
mod failure;
mod output;
mod prepared;
mod server;
mod text;

use std::process::ExitCode;

use clap::Parser;

use failure::Failure;
use output::Output;

/// Over-the-air updates for Capacitor apps: pack bundles, publish releases.
#[derive(Debug, Parser)]
#[command(name = "ota", version, max_term_width = 100)]
struct Cli {
    /// Results and errors as JSON, one object a line
    #[arg(long, global = true)]
    json: bool,
    #[command(subcommand)]
    command: commands::Command,
}

fn main() -> ExitCode {
    let cli = match Cli::try_parse() {
        Ok(cli) => cli,
        Err(error) => return not_parsed(&error),
    };
    let output = Output::new(cli.json || cli.command.speaks_json());
    match cli.command.run(output) {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => {
            output.failure(&failure);
            failure.exit_code()
        }
    }
}

/// Help and version, which clap gives as errors too, or a command line that makes no sense.
fn not_parsed(error: &clap::Error) -> ExitCode {
    // A reader that is gone has nothing to be told.
    let _ = error.print();
    if !error.use_stderr() {
        return ExitCode::SUCCESS;
    }
    if std::env::args_os().any(|arg| arg == "--json") {
        let text = error.render().to_string();
        // What is wrong, without the lines on how to use it.
        let wrong = text.split("\n\n").next().unwrap_or_default().trim_start_matches("error: ");
        let what = wrong.lines().map(str::trim).collect::<Vec<_>>().join(" ");
        Output::new(true).error_line(&Failure::usage(what));
    }
    ExitCode::from(failure::USAGE)
}
