//! `ota device`: a whole device without a screen. The agent that phones run, one process a command; JSON on standard
//! output, one object a line, words for people on standard error.

mod log;
mod setup;

use clap::{Args, Subcommand};
use ota_agent::AgentError;
use ota_agent::engine::{Agent, Booted, Outcome, Start, Updated};
use ota_agent::lifecycle::{Cause, Exit, Token};
use ota_agent::ports::Cancel;
use ota_agent::transfer::Progress;
use ota_protocol::Code;
use serde_json::{Value, json};

use crate::failure::Failure;
use crate::output::Output;

/// A device without a screen
#[derive(Debug, Args)]
pub(crate) struct Device {
    #[command(flatten)]
    setup: setup::Setup,
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Start the app: choose the bundle for its page
    Boot,
    /// The page is up: confirm a trial
    Ready {
        /// The boot's token, as `boot` printed it
        #[arg(long)]
        token: String,
    },
    /// The page is lost
    Fail {
        /// The boot's token, as `boot` printed it
        #[arg(long)]
        token: String,
        /// timeout, load, renderer, or any other text
        #[arg(long)]
        reason: String,
    },
    /// The app left the screen
    Background,
    /// The app came back to the screen
    Foreground,
    /// Check, download, verify, stage
    Update {
        /// Show a staged bundle at once
        #[arg(long)]
        apply: bool,
    },
    /// Print the whole state
    Status,
    /// Back to the builtin
    Reset,
}

impl Device {
    pub(crate) fn run(&self, output: Output) -> Result<(), Failure> {
        log::start();
        let agent = self.setup.agent(matches!(self.command, Command::Update { .. }))?;
        match &self.command {
            Command::Boot => output.line(&boot(&agent, Some(Exit::Unknown))?),
            Command::Ready { token } => {
                let is_confirmed = agent.ready(read_token(token)?).map_err(failure)?;
                output.line(&json!({"outcome": if is_confirmed { "confirmed" } else { "ready" }}))
            }
            Command::Fail { token, reason } => {
                let ended = agent.failed(read_token(token)?, cause(reason)).map_err(failure)?;
                output.line(&json!({"outcome": ended.as_str(), "reason": reason}))
            }
            Command::Background => {
                agent.background().map_err(failure)?;
                output.line(&json!({"outcome": "background"}))
            }
            Command::Foreground => {
                agent.foreground().map_err(failure)?;
                output.line(&json!({"outcome": "foreground"}))
            }
            Command::Update { apply } => update(&agent, *apply, output),
            Command::Status => output.line(&agent.status().map_err(failure)?),
            Command::Reset => {
                agent.reset().map_err(failure)?;
                output.line(&json!({"outcome": "reset"}))
            }
        }
    }
}

fn boot(agent: &Agent, exit: Option<Exit>) -> Result<Value, Failure> {
    let Booted { bundle, version, path, token, reason } =
        agent.boot(Start { exit, foreground: true }).map_err(failure)?;
    let reason = reason.as_str();
    Ok(json!({"version": version, "bundle": bundle, "path": path, "token": token, "reason": reason}))
}

fn update(agent: &Agent, apply: bool, output: Output) -> Result<(), Failure> {
    let mut report = |progress: Progress| {
        // A reader that is gone does not stop an update.
        let _ = output.line(&json!({"event": "progress", "done": progress.done, "total": progress.total}));
    };
    let updated = agent.update(&Cancel::default(), &mut report).map_err(failure)?;
    output.line(&outcome(&updated))?;
    // With `onlyDownload` what was staged waits for the page's word.
    let is_next = agent.next_bundle().map_err(failure)?.is_some();
    if is_next && (apply || updated.apply_now) {
        output.line(&boot(agent, None)?)?;
    }
    Ok(())
}

fn outcome(updated: &Updated) -> Value {
    let mut line = json!({
        "outcome": updated.outcome.as_str(),
        "version": updated.version,
        "bundle": updated.bundle,
    });
    if let Outcome::UpToDate(Some(why)) = updated.outcome {
        line["why"] = json!(why.as_str());
    }
    if updated.outcome == Outcome::Staged {
        line["received"] = json!(updated.transferred.received);
        line["resumed_from"] = json!(updated.transferred.resumed_from);
    }
    line
}

fn read_token(text: &str) -> Result<Token, Failure> {
    // What is no token at all is not the token of the page shown now.
    text.parse().map_err(|_| failure(AgentError::StaleToken))
}

fn cause(reason: &str) -> Cause {
    match reason {
        "timeout" => Cause::Timeout,
        "load" => Cause::Load,
        "renderer" => Cause::Renderer,
        _ => Cause::Reported,
    }
}

/// The agent's error, with its code and its causes.
#[allow(clippy::needless_pass_by_value)] // for `map_err`
fn failure(error: AgentError) -> Failure {
    let code = error.code();
    let text = error.explain();
    let what = text.strip_suffix(code.remedy()).unwrap_or(&text).trim_end().trim_end_matches('.');
    Failure::new(code, what)
}

/// A part of the command line that makes no device.
fn unusable(what: impl Into<String>) -> Failure {
    Failure::new(Code::InvalidArgument, what)
}
