//! `ota-server user add|passwd|list`

use std::error::Error;
use std::path::PathBuf;

use clap::{Args, Subcommand};

use super::{Data, read_password};
use crate::auth::{Hasher, random_text};
use crate::clock::{Clock, SystemClock};
use crate::db::users;

#[derive(Subcommand)]
pub(super) enum User {
    /// Make an account
    Add(Account),
    /// Change a password; every login of the account ends
    Passwd(Account),
    /// List accounts
    List(Data),
}

#[derive(Args)]
pub(super) struct Account {
    /// The account
    #[arg(value_parser = name)]
    name: String,
    #[command(flatten)]
    data: Data,
    /// A file with the password (- for standard input); without it one is made and printed once
    #[arg(long, value_name = "FILE")]
    password_file: Option<PathBuf>,
}

fn name(text: &str) -> Result<String, &'static str> {
    let is_name =
        (1..=64).contains(&text.len()) && !text.chars().any(|c| c.is_control() || c.is_whitespace());
    if is_name { Ok(text.to_owned()) } else { Err("a name has 1 to 64 bytes and no spaces") }
}

impl Account {
    /// The password's hash, and the password where it was made here.
    fn password(&self) -> Result<(String, Option<String>), Box<dyn Error>> {
        let (password, made) = if let Some(file) = &self.password_file {
            (read_password(file)?, None)
        } else {
            let made = random_text(12)?;
            (made.clone(), Some(made))
        };
        Ok((Hasher::default().hash(&password).map_err(|error| error.to_string())?, made))
    }
}

fn tell(name: &str, made: Option<String>) {
    if let Some(password) = made {
        eprintln!("The password of {name} is {password}\nIt is shown only now.");
    }
}

impl User {
    pub(super) fn run(self) -> Result<(), Box<dyn Error>> {
        match self {
            Self::Add(account) => {
                let db = account.data.open()?;
                let (hash, made) = account.password()?;
                let now = SystemClock.now();
                if !db.write_blocking::<_, rusqlite::Error>(|c| users::add(c, &account.name, &hash, now))? {
                    return Err(
                        format!("there is an account {} already: use `user passwd`", account.name).into()
                    );
                }
                tell(&account.name, made);
            }
            Self::Passwd(account) => {
                let db = account.data.open_existing()?;
                let (hash, made) = account.password()?;
                if !db
                    .write_blocking::<_, rusqlite::Error>(|c| users::set_password(c, &account.name, &hash))?
                {
                    return Err(format!("there is no account {}: use `user add`", account.name).into());
                }
                tell(&account.name, made);
            }
            Self::List(data) => {
                for user in data.open_existing()?.read_blocking::<_, rusqlite::Error>(users::all)? {
                    println!("{}\tsince {}", user.name, user.created_at);
                }
            }
        }
        Ok(())
    }
}
