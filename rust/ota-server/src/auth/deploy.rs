//! Deploy tokens: for machines that publish, limited to what they need.

use ota_protocol::{AppId, Channel, Code, Digest, UnixSeconds};

use super::{Action, random_text};
use crate::db::tokens::DeployToken;
use crate::error::ApiError;

/// Before every deploy token, so that people and secret scanners know what it is.
const PREFIX: &str = "ota_";

/// What a deploy token may do.
#[derive(Debug, Clone)]
pub(crate) struct Scope {
    pub(crate) app_id: Option<AppId>,
    pub(crate) channels: Vec<Channel>,
    pub(crate) actions: Vec<Action>,
}

impl Scope {
    pub(super) fn allows_action(&self, action: Action) -> Result<(), ApiError> {
        if self.actions.contains(&action) {
            return Ok(());
        }
        Err(ApiError::new(Code::Forbidden, format!("The token does not allow to {}.", action.as_str())))
    }

    pub(super) fn allows(
        &self,
        served: Option<&AppId>,
        action: Action,
        channel: &Channel,
    ) -> Result<(), ApiError> {
        if let (Some(ours), Some(served)) = (&self.app_id, served)
            && ours != served
        {
            return Err(ApiError::new(
                Code::UnknownApp,
                format!("The token is for {ours}, not for {served}."),
            ));
        }
        self.allows_action(action)?;
        if !self.channels.is_empty() && !self.channels.contains(channel) {
            return Err(ApiError::new(Code::Forbidden, format!("The token is not for channel {channel}.")));
        }
        Ok(())
    }
}

/// Makes a token; the text is shown once and not stored.
pub(crate) fn make(
    name: String,
    scope: Scope,
    now: UnixSeconds,
    expires_at: Option<UnixSeconds>,
) -> Result<(DeployToken, String), getrandom::Error> {
    let id = random_text(6)?;
    let text = format!("{PREFIX}{id}_{}", random_text(32)?);
    let token = DeployToken {
        id,
        name,
        hash: Digest::of(text.as_bytes()),
        app_id: scope.app_id,
        channels: scope.channels,
        actions: scope.actions,
        created_at: now,
        expires_at,
        revoked_at: None,
    };
    Ok((token, text))
}

/// The id in a deploy token; `None`: it is not one.
pub(super) fn id(text: &str) -> Option<&str> {
    text.strip_prefix(PREFIX)?.split_once('_').map(|(id, _)| id)
}

/// The scope, where `text` is this token and it is still good. Hashes are compared, so that the time taken says
/// nothing of the token itself.
pub(super) fn check(token: &DeployToken, text: &str, now: UnixSeconds) -> Option<Scope> {
    let is_good = token.hash == Digest::of(text.as_bytes())
        && token.revoked_at.is_none()
        && token.expires_at.is_none_or(|expires| now < expires);
    is_good.then(|| Scope {
        app_id: token.app_id.clone(),
        channels: token.channels.clone(),
        actions: token.actions.clone(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn scope() -> Scope {
        Scope {
            app_id: Some("com.example.app".parse().unwrap()),
            channels: vec!["beta".parse().unwrap()],
            actions: vec![Action::Upload],
        }
    }

    #[test]
    fn a_token_is_good_until_it_expires_or_is_revoked() {
        let (mut token, text) = make("ci".into(), scope(), 1_000, Some(2_000)).unwrap();
        assert_eq!(id(&text), Some(token.id.as_str()));
        assert!(check(&token, &text, 1_999).is_some());
        assert!(check(&token, &text, 2_000).is_none());
        assert!(check(&token, &format!("{text}0"), 1_000).is_none());
        token.revoked_at = Some(1_001);
        assert!(check(&token, &text, 1_002).is_none());
    }

    #[test]
    fn it_allows_its_app_channels_and_actions_and_nothing_else() {
        let (ours, other) = ("com.example.app".parse().unwrap(), "com.example.other".parse().unwrap());
        let beta = "beta".parse().unwrap();
        let asked =
            |app, action, channel: &Channel| scope().allows(app, action, channel).map_err(|e| e.code());
        assert_eq!(asked(Some(&ours), Action::Upload, &beta), Ok(()));
        assert_eq!(asked(None, Action::Upload, &beta), Ok(()));
        assert_eq!(asked(Some(&other), Action::Upload, &beta), Err(Code::UnknownApp));
        assert_eq!(asked(Some(&ours), Action::Delete, &beta), Err(Code::Forbidden));
        assert_eq!(asked(Some(&ours), Action::Upload, &Channel::default()), Err(Code::Forbidden));
    }
}
