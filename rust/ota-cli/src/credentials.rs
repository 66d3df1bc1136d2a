//! Logins, kept in the user's config directory: `ota/credentials.json`, readable by the user alone.

use std::collections::BTreeMap;
use std::fs;
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};

use ota_protocol::Code;
use serde::{Deserialize, Serialize};
use tempfile::NamedTempFile;

use crate::failure::Failure;
use crate::server::Server;

/// One login.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Login {
    /// Account name.
    pub(crate) user: String,
    /// The bearer token.
    pub(crate) token: String,
}

/// Every login, and the server of the last one.
#[derive(Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Credentials {
    /// The server that commands use which name none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    default: Option<String>,
    #[serde(default)]
    servers: BTreeMap<String, Login>,
}

impl Credentials {
    /// Reads them; none where there is no file.
    ///
    /// # Errors
    /// Where the file cannot be read, or is not what this command wrote; nothing is overwritten then.
    pub(crate) fn load() -> Result<Self, Failure> {
        Self::load_from(&path()?)
    }

    fn load_from(path: &Path) -> Result<Self, Failure> {
        let text = match fs::read(path) {
            Ok(text) => text,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Self::default()),
            Err(error) => return Err(Failure::disk("read", path, &error)),
        };
        serde_json::from_slice(&text).map_err(|error| {
            Failure::new(Code::DiskError, format!("{} is damaged: {error}", path.display()))
                .remedy("Delete it, and log in again with `ota login`.")
        })
    }

    /// Writes them: whole or not at all, and 0600.
    pub(crate) fn save(&self) -> Result<(), Failure> {
        self.save_to(&path()?)
    }

    fn save_to(&self, path: &Path) -> Result<(), Failure> {
        let failed = |error: &io::Error| Failure::disk("write", path, error);
        let dir = path.parent().unwrap_or(Path::new("."));
        create_private(dir).map_err(|error| failed(&error))?;
        // Made 0600, so that the token is at no time readable by others.
        let mut file = NamedTempFile::new_in(dir).map_err(|error| failed(&error))?;
        serde_json::to_writer_pretty(&mut file, self).map_err(|error| failed(&error.into()))?;
        file.write_all(b"\n").and_then(|()| file.as_file().sync_all()).map_err(|error| failed(&error))?;
        file.persist(path).map_err(|error| failed(&error.error))?;
        Ok(())
    }

    pub(crate) fn default_server(&self) -> Option<Server> {
        self.default.as_deref()?.parse().ok()
    }

    pub(crate) fn login(&self, server: &Server) -> Option<&Login> {
        self.servers.get(server.as_str())
    }

    /// Keeps a login; its server is from now on the one that commands use which name none.
    pub(crate) fn keep(&mut self, server: &Server, login: Login) {
        self.servers.insert(server.to_string(), login);
        self.default = Some(server.to_string());
    }

    /// Forgets a login; whether there was one.
    pub(crate) fn forget(&mut self, server: &Server) -> bool {
        if self.default.as_deref() == Some(server.as_str()) {
            self.default = None;
        }
        self.servers.remove(server.as_str()).is_some()
    }
}

#[cfg(unix)]
fn create_private(dir: &Path) -> io::Result<()> {
    use std::os::unix::fs::DirBuilderExt as _;
    fs::DirBuilder::new().recursive(true).mode(0o700).create(dir)
}

#[cfg(not(unix))]
fn create_private(dir: &Path) -> io::Result<()> {
    fs::create_dir_all(dir)
}

/// `$XDG_CONFIG_HOME/ota/credentials.json`, or `~/.config/…`; below `%APPDATA%` on Windows.
fn path() -> Result<PathBuf, Failure> {
    // The specification calls a relative XDG_CONFIG_HOME invalid.
    let dir = |name| std::env::var_os(name).map(PathBuf::from).filter(|dir| dir.is_absolute());
    let config = dir("XDG_CONFIG_HOME")
        .or_else(|| dir("HOME").map(|home| home.join(".config")))
        .or_else(|| dir("APPDATA"))
        .ok_or_else(|| {
            Failure::new(Code::InvalidArgument, "there is no home directory to keep logins in")
                .remedy("Set HOME or XDG_CONFIG_HOME, or give the token in OTA_TOKEN.")
        })?;
    Ok(config.join("ota").join("credentials.json"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn login(token: &str) -> Login {
        Login { user: "admin".into(), token: token.into() }
    }

    #[test]
    fn each_server_has_its_own_login_and_the_last_one_is_the_default() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("ota/credentials.json");
        let (a, b): (Server, Server) = ("https://a".parse().unwrap(), "https://b".parse().unwrap());
        let mut credentials = Credentials::load_from(&path).unwrap();
        assert_eq!(credentials, Credentials::default());
        credentials.keep(&a, login("1"));
        credentials.keep(&b, login("2"));
        credentials.save_to(&path).unwrap();

        let mut read = Credentials::load_from(&path).unwrap();
        assert_eq!(read.login(&a), Some(&login("1")));
        assert_eq!(read.default_server(), Some(b.clone()));
        assert!(read.forget(&b) && !read.forget(&b));
        assert_eq!((read.login(&b), read.default_server()), (None, None));
    }

    #[cfg(unix)]
    #[test]
    fn nobody_else_can_read_them_even_where_the_file_was_open_to_all() {
        use std::os::unix::fs::PermissionsExt as _;
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("credentials.json");
        fs::write(&path, "{}").unwrap();
        fs::set_permissions(&path, fs::Permissions::from_mode(0o644)).unwrap();
        Credentials::default().save_to(&path).unwrap();
        assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
    }

    #[test]
    fn a_damaged_file_is_an_error_and_stays_as_it_is() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("credentials.json");
        fs::write(&path, "{\"servers\":").unwrap();
        let failure = Credentials::load_from(&path).unwrap_err();
        assert!(failure.is(Code::DiskError));
        assert!(failure.to_string().contains("ota login"));
    }
}
