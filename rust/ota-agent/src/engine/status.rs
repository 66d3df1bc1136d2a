//! The whole state, for people and tests.

use serde_json::{Value, json};

use super::agent::{Agent, word};
use super::schedule::CheckMemory;
use crate::error::AgentError;
use crate::lifecycle::BundleId;
use crate::store::bundles;

/// The whole state as JSON. Its fields may grow; those there stay.
pub type Status = Value;

impl Agent {
    /// The whole state.
    ///
    /// # Errors
    /// The state's.
    pub fn status(&self) -> Result<Status, AgentError> {
        let inner = &self.inner;
        let record = inner.known()?.record;
        let attempt = inner.attempt(&inner.live());
        let state = &record.state;
        let bundle = |id: BundleId| json!({"bundle": id, "version": record.version_of(id)});
        let trial = state.current.trial().map(|trial| {
            json!({"bundle": trial.bundle, "token": trial.token, "crashes": trial.crashes,
                "interruptions": trial.interruptions})
        });
        let check = CheckMemory::load(inner.fs(), &inner.layout);
        // The commonest mistake of a first day: the page never says that it is up.
        let never_ready = attempt.is_some_and(|attempt| attempt.late && attempt.bundle.is_builtin());
        Ok(json!({
            "native": state.native,
            "app_id": inner.config.app_id.as_ref().or(inner.app.id.as_ref()),
            "channel": inner.channel(&record),
            "update_url": inner.config.update_url.as_ref().map(url::Url::as_str),
            "current": bundle(state.current.bundle()),
            "confirmed": state.current.trial().is_none(),
            "trial": trial,
            "next": state.next.map(|next| json!({"bundle": next.bundle, "version": record.version_of(next.bundle), "by": next.by})),
            "fallback": bundle(state.fallback),
            "blocked": state.blocked.iter().map(|(root, block)| json!({"bundle": root,
                "version": record.version_of(BundleId::Held(*root)), "cause": word(block.cause)})).collect::<Vec<_>>(),
            "set_aside": state.set_aside.iter().map(|(root, aside)| json!({"bundle": root,
                "version": record.version_of(BundleId::Held(*root)), "until": aside.until,
                "timeouts": aside.timeouts})).collect::<Vec<_>>(),
            "failed": record.failed,
            "floors": record.floors,
            "bundles": bundles::all(inner.fs(), &inner.layout)?,
            "device_id": record.device_id,
            "device_number": record.device_number,
            "attempt": attempt,
            "last_check": Some(check.at).filter(|at| *at > 0),
            "retry_at": check.held_until(inner.ports.clock.now()),
            "ready_never_called": never_ready,
            "problems": inner.config.problems.iter().map(|problem| json!({"code": problem.code.as_str(),
                "message": problem.reason})).collect::<Vec<_>>(),
        }))
    }
}
