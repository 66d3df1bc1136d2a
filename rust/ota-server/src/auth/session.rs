//! Tokens from a login: signed by this server, for this server, for twelve hours.

use jsonwebtoken::{Algorithm, DecodingKey, EncodingKey, Header, Validation, decode, encode};
use ota_protocol::UnixSeconds;
use serde::{Deserialize, Serialize};

use crate::error::ApiError;

/// How long a login lasts, in seconds: 12 hours.
pub(crate) const LIFETIME: u64 = 12 * 60 * 60;
const ISSUER: &str = "ota-server";
/// Longer ones are not even looked at, in bytes.
const LONGEST: usize = 4096;

#[derive(Debug, Serialize, Deserialize)]
struct Claims {
    iss: String,
    /// The server's own id, so that a token is void on every other server, whatever its secret.
    aud: String,
    sub: String,
    iat: UnixSeconds,
    exp: UnixSeconds,
    /// The account's epoch at login.
    epoch: u64,
}

/// A login that a token stands for.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Session {
    pub(crate) user: String,
    pub(crate) epoch: u64,
}

/// Makes and reads tokens.
pub(crate) struct Sessions {
    encoding: EncodingKey,
    decoding: DecodingKey,
    validation: Validation,
    server_id: String,
}

impl Sessions {
    pub(crate) fn new(secret: &[u8], server_id: String) -> Self {
        let mut validation = Validation::new(Algorithm::HS256);
        validation.set_issuer(&[ISSUER]);
        validation.set_audience(&[&server_id]);
        validation.set_required_spec_claims(&["exp", "iss", "aud", "sub"]);
        // The library asks the system's clock; `open` asks ours.
        validation.validate_exp = false;
        Self {
            encoding: EncodingKey::from_secret(secret),
            decoding: DecodingKey::from_secret(secret),
            validation,
            server_id,
        }
    }

    /// A token for a login at `now`.
    pub(crate) fn seal(&self, session: Session, now: UnixSeconds) -> Result<String, ApiError> {
        let claims = Claims {
            iss: ISSUER.to_owned(),
            aud: self.server_id.clone(),
            sub: session.user,
            iat: now,
            exp: now + LIFETIME,
            epoch: session.epoch,
        };
        encode(&Header::new(Algorithm::HS256), &claims, &self.encoding).map_err(ApiError::internal)
    }

    /// The login of a token that is ours and has not expired.
    pub(crate) fn open(&self, token: &str, now: UnixSeconds) -> Option<Session> {
        if token.len() > LONGEST {
            return None;
        }
        let claims = decode::<Claims>(token, &self.decoding, &self.validation).ok()?.claims;
        (now < claims.exp).then_some(Session { user: claims.sub, epoch: claims.epoch })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn session() -> Session {
        Session { user: "admin".to_owned(), epoch: 7 }
    }

    fn sessions(secret: &[u8], id: &str) -> Sessions {
        Sessions::new(secret, id.to_owned())
    }

    #[test]
    fn a_token_opens_until_it_expires() {
        let ours = sessions(b"secret", "here");
        let token = ours.seal(session(), 1_000).unwrap();
        assert_eq!(ours.open(&token, 1_000 + LIFETIME - 1), Some(session()));
        assert_eq!(ours.open(&token, 1_000 + LIFETIME), None);
    }

    #[test]
    fn a_token_of_another_secret_or_another_server_is_void() {
        let ours = sessions(b"secret", "here");
        for theirs in [sessions(b"other", "here"), sessions(b"secret", "elsewhere")] {
            assert_eq!(ours.open(&theirs.seal(session(), 1_000).unwrap(), 1_000), None);
        }
    }

    #[test]
    fn other_algorithms_are_void() {
        let ours = sessions(b"secret", "here");
        let claims = Claims {
            iss: ISSUER.into(),
            aud: "here".into(),
            sub: "admin".into(),
            iat: 0,
            exp: 9_999,
            epoch: 7,
        };
        let key = EncodingKey::from_secret(b"secret");
        let other = encode(&Header::new(Algorithm::HS512), &claims, &key).unwrap();
        assert_eq!(ours.open(&other, 1_000), None);
        // {"alg":"none","typ":"JWT"}, the payload of a good token, no signature
        let good = ours.seal(session(), 1_000).unwrap();
        let payload = good.split('.').nth(1).unwrap();
        for signature in ["", good.rsplit('.').next().unwrap()] {
            let none = format!("eyJhbGciOiJub25lIiwidHlwIjoiSldUIn0.{payload}.{signature}");
            assert_eq!(ours.open(&none, 1_000), None);
        }
    }
}
