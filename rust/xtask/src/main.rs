//! Project commands: `cargo xtask COMMAND`. Each has a file of its own in `commands`; what several need is in
//! `project`, and in `local` what runs the server and the command line.

mod commands;
mod local;
mod project;
mod tools;

use std::process::ExitCode;

use clap::{Parser, Subcommand};

/// Project commands.
#[derive(Debug, Parser)]
#[command(name = "cargo xtask")]
struct Args {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    Bench(commands::bench::Bench),
    CheckDeps(commands::check_deps::CheckDeps),
    Demo(commands::demo::Demo),
    Test(commands::test::Test),
}

fn main() -> ExitCode {
    let outcome = match Args::parse().command {
        Command::Bench(command) => command.run(),
        Command::CheckDeps(command) => command.run(),
        Command::Demo(command) => command.run(),
        Command::Test(command) => command.run(),
    };
    match outcome {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: {error}");
            ExitCode::FAILURE
        }
    }
}
