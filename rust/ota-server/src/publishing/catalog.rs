//! What every channel offers, kept in memory: a check never asks the database.

use std::collections::{BTreeMap, HashMap};
use std::sync::{Arc, PoisonError, RwLock};

use ota_protocol::release::{Release, ReleaseDocument};
use ota_protocol::{AppId, Channel, Checksum, OrUnknown, Version};
use rusqlite::Connection;

use super::offers::Offers;
use crate::db::{history, settings};
use crate::error::ApiError;

/// Where keys are served.
const BUNDLES: &str = "/api/ota/bundle/";

/// A channel's offer.
#[derive(Debug, Default)]
pub(crate) struct ChannelOffer {
    /// Newest first; empty for Android packages.
    pub(crate) releases: Vec<OrUnknown<Release>>,
    /// The same as a JSON array, made once.
    pub(crate) releases_json: String,
    /// By version, what the three fields of a reply need.
    offered: HashMap<Version, Offered>,
    /// What a client that says nothing of itself is offered.
    pub(crate) plain: Option<Offered>,
    /// The channel had bundles, and none is left to offer: devices go back to their builtin.
    pub(crate) is_cleared: bool,
}

/// An offer in the three fields that the plainest client knows.
#[derive(Debug, Clone)]
pub(crate) struct Offered {
    pub(crate) version: Version,
    pub(crate) checksum: Checksum,
    /// From the server's origin on.
    pub(crate) path: String,
}

impl Offered {
    fn of(row: &history::Row) -> Self {
        let path = format!("{BUNDLES}{}", row.filename);
        Self { version: row.version.clone(), checksum: row.checksum, path }
    }
}

impl ChannelOffer {
    /// The three fields of a listed release.
    pub(crate) fn offered(&self, document: &ReleaseDocument) -> Option<&Offered> {
        self.offered.get(&document.version)
    }

    /// Reads a channel's offer.
    fn read(connection: &Connection, channel: &Channel, base: &str) -> rusqlite::Result<Self> {
        if channel.is_apk() {
            let plain = history::active(connection, channel)?.as_ref().map(Offered::of);
            return Ok(Self { plain, releases_json: "[]".to_owned(), ..Self::default() });
        }
        let mut offers = Offers::new(history::complete_audiences(connection, channel)?);
        let mut offered = HashMap::new();
        let mut plain = None;
        history::offered(connection, channel, |row| {
            let three = Offered::of(&row);
            if let Some(document) = row.document {
                let is_for_all =
                    document.percent.is_complete() && super::Audience::of(Some(&document)).is_everybody();
                if plain.is_none() && is_for_all {
                    plain = Some(three.clone());
                }
                if !offers.is_done() {
                    offered.insert(three.version.clone(), three);
                    offers.take(document);
                }
            }
            // A complete release for everybody also ends the list, so that this seldom reads beyond it.
            !(offers.is_done() && plain.is_some())
        })?;
        let documents = offers.finish();
        let is_cleared = documents.is_empty()
            && history::highest_sequence(connection, channel)? > 0
            && !history::has_missing(connection, channel)?;
        let releases: Vec<OrUnknown<Release>> = documents
            .into_iter()
            .map(|document| {
                let three = offered.get(&document.version);
                let urls: BTreeMap<_, _> = three
                    .map(|three| (three.checksum, format!("{base}{}", three.path)))
                    .into_iter()
                    .collect();
                Release { document: Some(document), envelope: None, urls, brake: None }.into()
            })
            .collect();
        let releases_json = serde_json::to_string(&releases)
            .map_err(|error| rusqlite::Error::ToSqlConversionFailure(error.into()))?;
        Ok(Self { releases, releases_json, offered, plain, is_cleared })
    }
}

#[derive(Debug, Default, Clone)]
struct Snapshot {
    app_id: Option<AppId>,
    channels: HashMap<Channel, Arc<ChannelOffer>>,
}

/// Every channel's offer as it is now. Readers never wait for the disk.
#[derive(Debug, Default)]
pub(crate) struct Catalog {
    snapshot: RwLock<Arc<Snapshot>>,
    /// Stands before the URLs of the releases: the public URL where it is known, else nothing (they are then
    /// relative to the check).
    base: String,
}

impl Catalog {
    pub(crate) fn new(base: String) -> Self {
        Self { snapshot: RwLock::default(), base }
    }

    fn snapshot(&self) -> Arc<Snapshot> {
        self.snapshot.read().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// The app this server serves, once that is fixed.
    pub(crate) fn app_id(&self) -> Option<AppId> {
        self.snapshot().app_id.clone()
    }

    /// Whether a request that names `app` is for the app served here.
    pub(crate) fn serves(&self, app: Option<&AppId>) -> bool {
        match (app, &self.snapshot().app_id) {
            (Some(asked), Some(ours)) => asked == ours,
            _ => true,
        }
    }

    /// What a channel offers; `None`: it never had a release.
    pub(crate) fn offer(&self, channel: &Channel) -> Option<Arc<ChannelOffer>> {
        self.snapshot().channels.get(channel).cloned()
    }

    /// Reads everything anew.
    pub(crate) fn load(&self, connection: &Connection) -> Result<(), ApiError> {
        let channels = history::channels(connection)?;
        self.renew(connection, &channels)
    }

    /// Reads these channels anew, and the app. The caller holds the writer, so that no older state comes later.
    pub(super) fn renew(&self, connection: &Connection, channels: &[Channel]) -> Result<(), ApiError> {
        let mut next = Snapshot::clone(&self.snapshot());
        next.app_id = settings::app_id(connection)?;
        for channel in channels {
            let offer = ChannelOffer::read(connection, channel, &self.base)?;
            next.channels.insert(channel.clone(), Arc::new(offer));
        }
        *self.snapshot.write().unwrap_or_else(PoisonError::into_inner) = Arc::new(next);
        Ok(())
    }
}
