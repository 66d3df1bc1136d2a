//! `ota-server token new|list|revoke`

use std::error::Error;

use clap::{Args, Subcommand};
use ota_protocol::{AppId, Channel};

use super::Data;
use crate::auth::{Action, Scope, make_deploy_token};
use crate::clock::{Clock, SystemClock};
use crate::db::tokens;

const DAY: u64 = 24 * 60 * 60;

#[derive(Subcommand)]
pub(super) enum Token {
    /// Make a token and print it, once, on standard output
    New(New),
    /// List tokens; what they are is not stored
    List(Data),
    /// Make a token void
    Revoke {
        /// The token's id, as `list` gives it
        id: String,
        #[command(flatten)]
        data: Data,
    },
}

#[derive(Args)]
pub(super) struct New {
    #[command(flatten)]
    data: Data,
    /// What people call it
    #[arg(long, default_value = "ci")]
    name: String,
    /// The app it is for; without it, whichever the server serves
    #[arg(long, value_name = "ID")]
    app: Option<AppId>,
    /// A channel it may touch; may be repeated; without it, all
    #[arg(long, value_name = "CHANNEL")]
    channel: Vec<Channel>,
    /// What it may do; may be repeated; without it, upload and read
    #[arg(long, value_enum)]
    action: Vec<Action>,
    /// After how many days it ends; 0: never
    #[arg(long, value_name = "N", default_value_t = 365)]
    days: u64,
}

impl Token {
    pub(super) fn run(self) -> Result<(), Box<dyn Error>> {
        let now = SystemClock.now();
        match self {
            Self::New(new) => {
                let db = new.data.open_existing()?;
                let actions = match new.action {
                    actions if actions.is_empty() => vec![Action::Upload, Action::Read],
                    actions => actions,
                };
                let scope = Scope { app_id: new.app, channels: new.channel, actions };
                let expires_at = (new.days > 0).then(|| now.saturating_add(new.days.saturating_mul(DAY)));
                let expires_at = expires_at.filter(|at| i64::try_from(*at).is_ok());
                let (token, text) = make_deploy_token(new.name, scope, now, expires_at)?;
                db.write_blocking::<_, rusqlite::Error>(|c| tokens::add(c, &token))?;
                eprintln!("Token {} was made; it is shown only now:", token.id);
                println!("{text}");
            }
            Self::List(data) => {
                for token in data.open_existing()?.read_blocking::<_, rusqlite::Error>(tokens::all)? {
                    let actions: Vec<_> = token.actions.iter().map(|action| action.as_str()).collect();
                    let channels: Vec<_> = token.channels.iter().map(Channel::as_str).collect();
                    let state = match (token.revoked_at, token.expires_at) {
                        (Some(at), _) => format!("revoked at {at}"),
                        (None, Some(at)) if at <= now => format!("expired at {at}"),
                        (None, Some(at)) => format!("until {at}"),
                        (None, None) => "for ever".to_owned(),
                    };
                    println!(
                        "{}\t{}\tapp {}\tchannels {}\tmay {}\tsince {}\t{state}",
                        token.id,
                        token.name,
                        token.app_id.as_ref().map_or("any", AppId::as_str),
                        if channels.is_empty() { "all".to_owned() } else { channels.join(",") },
                        actions.join(","),
                        token.created_at,
                    );
                }
            }
            Self::Revoke { id, data } => {
                if !data
                    .open_existing()?
                    .write_blocking::<_, rusqlite::Error>(|c| tokens::revoke(c, &id, now))?
                {
                    return Err(format!("there is no token {id} in force: see `token list`").into());
                }
            }
        }
        Ok(())
    }
}
