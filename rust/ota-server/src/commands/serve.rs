//! `ota-server --data DIR --listen ADDR:PORT`

use std::error::Error;
use std::io::Write;
use std::net::SocketAddr;
use std::path::PathBuf;

use clap::{Args, ValueEnum};
use ota_protocol::AppId;
use tokio::signal::unix::{SignalKind, signal};
use tracing_subscriber::EnvFilter;

use super::{check_password, read_password};
use crate::config::{Admin, Config, PublicUrl, Timeouts, parse_size};
use crate::http::Cidr;
use crate::server::Server;

/// Threads for blocking work: disk, database, uploads. They are made when they are needed.
const BLOCKING_THREADS: usize = 64;

#[derive(Args)]
pub(super) struct Serve {
    /// Where everything is kept; made where it is missing
    #[arg(long, value_name = "DIR")]
    data: PathBuf,
    /// Where to listen; port 0: any free one
    #[arg(long, value_name = "ADDR:PORT")]
    listen: SocketAddr,
    /// Under which URL clients reach the server; without it, as each request says
    #[arg(long, value_name = "URL")]
    public_url: Option<PublicUrl>,
    /// The account to make at the first start; its password is `OTA_ADMIN_PASSWORD`, or made and printed once
    #[arg(long, value_name = "NAME")]
    admin_user: Option<String>,
    /// A file with the password of the account to make (- for standard input)
    #[arg(long, value_name = "FILE")]
    admin_password_file: Option<PathBuf>,
    /// The largest file taken, such as 512MiB
    #[arg(long, value_name = "SIZE", default_value = "512MiB", value_parser = parse_size)]
    max_upload: u64,
    /// The app served; without it the first deploy that names one fixes it
    #[arg(long, value_name = "ID")]
    app_id: Option<AppId>,
    /// A proxy whose X-Forwarded-For, -Proto and -Host count; may be repeated
    #[arg(long, value_name = "CIDR")]
    trusted_proxy: Vec<Cidr>,
    /// How the log on standard error is written; what is in it says `OTA_LOG` (info, debug, …)
    #[arg(long, value_enum, default_value_t = LogFormat::Text)]
    log_format: LogFormat,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum LogFormat {
    Text,
    Json,
}

impl Serve {
    pub(super) fn run(self) -> Result<(), Box<dyn Error>> {
        self.log();
        let config = self.config()?;
        tokio::runtime::Builder::new_multi_thread()
            .max_blocking_threads(BLOCKING_THREADS)
            .enable_all()
            .build()?
            .block_on(serve(config))
    }

    fn log(&self) {
        let filter = EnvFilter::try_from_env("OTA_LOG").unwrap_or_else(|_| EnvFilter::new("info"));
        let log = tracing_subscriber::fmt().with_env_filter(filter).with_writer(std::io::stderr);
        match self.log_format {
            LogFormat::Text => log.with_ansi(false).init(),
            LogFormat::Json => log.json().init(),
        }
    }

    fn config(self) -> Result<Config, Box<dyn Error>> {
        let password = match (self.admin_password_file, std::env::var("OTA_ADMIN_PASSWORD")) {
            (Some(file), _) => Some(read_password(&file)?),
            (None, Ok(password)) => {
                check_password(&password)?;
                Some(password)
            }
            (None, Err(_)) => None,
        };
        let admin = match (self.admin_user, password) {
            (Some(name), password) => Some(Admin { name, password }),
            (None, Some(password)) => Some(Admin { name: "admin".to_owned(), password: Some(password) }),
            (None, None) => None,
        };
        Ok(Config {
            data: self.data,
            listen: self.listen,
            public_url: self.public_url,
            admin,
            max_upload: self.max_upload,
            app_id: self.app_id,
            trusted_proxies: self.trusted_proxy,
            timeouts: Timeouts::default(),
        })
    }
}

async fn serve(config: Config) -> Result<(), Box<dyn Error>> {
    // Before anything can ask for a stop.
    let (mut terminate, mut interrupt) = (signal(SignalKind::terminate())?, signal(SignalKind::interrupt())?);
    let running = Server::start(config).await?;
    if let Some((name, password)) = running.made_password() {
        eprintln!(
            "Account {name} was made with the password {password}\nIt is shown only now; change it with `ota-server user passwd {name} --data DIR`."
        );
    }
    let mut out = std::io::stdout();
    // A reader that has gone is no reason to stop.
    writeln!(out, "listening on {}", running.url()).and_then(|()| out.flush()).ok();
    tokio::select! { _ = terminate.recv() => {}, _ = interrupt.recv() => {} }
    tracing::info!("stopping: requests under way are finished; a second signal ends them");
    tokio::select! {
        () = running.stop() => {}
        _ = terminate.recv() => {}
        _ = interrupt.recv() => {}
    }
    Ok(())
}
