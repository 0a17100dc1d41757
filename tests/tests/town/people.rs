//! The parties: devices of one student, and organisations.

use std::collections::BTreeSet;

use passport_core::epoch::VerifiedCharter;
use passport_core::holder::{Holder, PendingDevice, Profile};
use passport_core::id::EpochId;
use passport_core::keys::{OrganisationKind, RecoveryPhrase};
use passport_core::organisation::{Organisation, OrganisationProfile};
use passport_core::party::Party;
use passport_core::section::SectionName;
use passport_core::time::Timestamp;
use passport_core::vault::MemoryVault;
use passport_core::view::View;
use passport_sync::client::RemoteConfig;
use passport_sync::client::exchange::{Exchange, Exchanged};
use passport_sync::session::BackoffPolicy;
use passport_tests::post::{Post, Way, Weather};
use rand_chacha::ChaCha20Rng;

use crate::hoard::opened;
use crate::oracle::words_in;
use crate::without::{Lacking, Without};

pub(crate) type Student = Holder<MemoryVault>;
pub(crate) type Practice = Organisation<MemoryVault>;

/// The sections that anything is written in.
pub(crate) const SECTIONS: [&str; 2] = ["medications", "allergies"];

pub(crate) fn section(name: &str) -> SectionName {
    name.parse().unwrap()
}

/// A device of the student.
pub(crate) struct Device {
    pub(crate) party: Student,
    /// Seconds by which its clock is wrong.
    pub(crate) skew: i64,
    /// Somebody removed it.
    pub(crate) removed: bool,
}

/// An organisation.
pub(crate) struct Office {
    pub(crate) party: Practice,
    pub(crate) skew: i64,
}

impl Device {
    /// Ends without warning and starts again from its vault.
    pub(crate) fn restart(&mut self) {
        self.restart_from(self.party.journal().vault().clone());
    }

    /// Starts again from a vault as it was.
    pub(crate) fn restart_from(&mut self, vault: MemoryVault) {
        self.party = Holder::open(vault).unwrap();
    }

    /// A copy of the device, as a restored backup is one.
    pub(crate) fn copied(&self) -> Self {
        let party = Holder::open(self.party.journal().vault().clone()).unwrap();
        Self { party, skew: self.skew, removed: self.removed }
    }
}

/// A party whose founding is watched.
pub(crate) trait Founder: Party {
    /// The epochs that it knows of.
    fn known(&self) -> BTreeSet<EpochId>;

    /// Words that it began epochs with in good faith, since it knew of just these: what it showed,
    /// and had nothing at hand of that took it away.
    fn stood_by(&mut self, before: &BTreeSet<EpochId>) -> BTreeSet<String>;
}

impl Founder for Practice {
    fn known(&self) -> BTreeSet<EpochId> {
        BTreeSet::new()
    }

    fn stood_by(&mut self, _: &BTreeSet<EpochId>) -> BTreeSet<String> {
        BTreeSet::new()
    }
}

impl Founder for Student {
    fn known(&self) -> BTreeSet<EpochId> {
        self.fold().epochs.keys().copied().collect()
    }

    fn stood_by(&mut self, before: &BTreeSet<EpochId>) -> BTreeSet<String> {
        let epochs = &self.fold().epochs;
        let new = epochs.values().map(|e| &e.charter).filter(|c| !before.contains(&c.id()));
        let new: BTreeSet<SectionName> = new.map(|c| c.section.clone()).collect();
        let of_new = epochs.values().map(|e| &e.charter).filter(|c| new.contains(&c.section));
        let old: Vec<EpochId> =
            of_new.map(VerifiedCharter::id).filter(|id| before.contains(id)).collect();
        let (mut shown, mut gone) = (BTreeSet::new(), BTreeSet::new());
        for epoch in old {
            let keys = &self.fold().epochs[&epoch].keys;
            let came = self.journal().envelopes(&epoch).unwrap();
            let came = came.iter().filter_map(|envelope| opened(envelope, keys)).flatten();
            let said: BTreeSet<String> = came.flat_map(|o| words_in(o.body())).collect();
            let words = words_of(&View::of(self.replica(epoch).unwrap()));
            gone.extend(said.difference(&words).cloned());
            shown.extend(words);
        }
        shown.difference(&gone).cloned().collect()
    }
}

/// The words in what is shown.
pub(crate) fn words_of(view: &View) -> BTreeSet<String> {
    words_in(&serde_json::to_vec(&view.to_json()).unwrap())
}

impl Office {
    pub(crate) fn restart(&mut self) {
        self.party = Organisation::open(self.party.journal().vault().clone()).unwrap();
    }
}

pub(crate) fn first_device(
    urls: &[String],
    now: Timestamp,
    rng: &mut ChaCha20Rng,
) -> (Device, RecoveryPhrase) {
    let profile = Profile {
        name: "Amina Yusuf".to_owned(),
        device_name: "phone".to_owned(),
        relays: urls.to_vec(),
        ..Profile::default()
    };
    let (party, phrase) = Holder::create(MemoryVault::new(), &profile, now, rng).unwrap();
    (Device { party, skew: 0, removed: false }, phrase)
}

pub(crate) fn office(name: &str, urls: &[String], now: Timestamp, rng: &mut ChaCha20Rng) -> Office {
    let profile = OrganisationProfile {
        name: name.to_owned(),
        kind: OrganisationKind::Gp,
        ods: None,
        relays: urls.to_vec(),
    };
    let party = Organisation::create(MemoryVault::new(), &profile, now, rng).unwrap();
    Office { party, skew: 0 }
}

/// Another device, let in by one over a relay that works; with the words that the one began epochs
/// with in good faith.
pub(crate) fn join(
    by: &mut Device,
    post: &mut Post,
    now: Timestamp,
    rng: &mut ChaCha20Rng,
) -> Option<(Device, BTreeSet<String>)> {
    let urls = [post.url.clone()];
    let pending = PendingDevice::create(MemoryVault::new(), &urls, None, rng).unwrap();
    let request = pending.request().0.to_vec();
    by.party.approve_device(&request, "another", now, rng).ok()?;
    let (_, stood_by) = exchange(&mut by.party, post, Weather::default(), None, now, rng);
    let mut way = Way { post, weather: Weather::default(), asked: 0 };
    let mut pending = Some(pending);
    for incoming in way.everything_for(pending.as_ref()?.request_key(), now, rng) {
        match pending.take()?.receive(incoming).unwrap() {
            Ok(joined) => {
                let party = joined.accept().unwrap();
                return Some((Device { party, skew: 0, removed: false }, stood_by));
            }
            Err(still) => pending = Some(still),
        }
    }
    None
}

/// Takes a party through an exchange with a relay; with the words that it began epochs
/// with in good faith.
pub(crate) fn exchange(
    party: &mut dyn Founder,
    post: &mut Post,
    weather: Weather,
    without: Option<Without>,
    now: Timestamp,
    rng: &mut ChaCha20Rng,
) -> (Exchanged, BTreeSet<String>) {
    let url = post.url.clone();
    let policy = BackoffPolicy { first_seconds: 1, most_seconds: 1, budget: 2 };
    let (mut pause, mut progress) = (|_: u32| (), |_: &Exchanged| ());
    let config = RemoteConfig::default();
    let mut exchange = Exchange { now, policy, config, pause: &mut pause, progress: &mut progress };
    let mut way = Way { post, weather, asked: 0 };
    let mut party = Lacking { party, without, stood_by: BTreeSet::new() };
    let done = exchange.through(&mut way, &mut party, &url, rng).unwrap();
    (done, party.stood_by)
}
