//! SMART Health Links at the relay: keeping an encrypted file for whoever has the link.
//!
//! The relay sees who asks, as they say, and a passcode while it is tried; never the key, which
//! is in the link alone. Every opening is counted in the same transaction that allows it, so
//! that no number of requests at once gets more guesses than one after the other.

use data_encoding::HEXLOWER;
use minicbor::{Decode, Encode};
use passport_core::codec;
use passport_core::domain;
use passport_core::id::{ObjectId, VerificationKey};
use passport_core::time::{DAY_SECONDS, Timestamp};
use subtle::ConstantTimeEq as _;

use super::port::{self, Meter, Snapshot, Store, StoreError, Transaction};
use crate::wire::{LinkPasscode, LinkState, NewLink, Opening, Outcome, Rejection};

/// Longest that a link may last, in days.
const DAYS_MAX: i64 = 400;
/// Links made by one key in a day.
const LINKS_PER_DAY: u64 = 20;
/// Openings of one link in a minute, wrong passcodes included.
const OPENINGS_PER_MINUTE: u64 = 60;
/// Openings remembered of one link.
const OPENINGS_KEPT: usize = 50;
/// Longest name of a recipient that is remembered, in characters.
const RECIPIENT_MAX: usize = 120;
/// Seconds that an address of a file is good for; the standard allows an hour.
const TICKET_SECONDS: i64 = 300;

/// What a relay keeps of a link beside its file.
#[derive(Encode, Decode)]
#[cbor(array)]
struct Kept {
    #[n(0)]
    owner: VerificationKey,
    #[n(1)]
    direct: bool,
    #[n(2)]
    url: String,
    #[cbor(n(3), with = "minicbor::bytes")]
    tickets: [u8; 32],
    #[n(4)]
    passcode: Option<LinkPasscode>,
    #[n(5)]
    state: LinkState,
}

impl Kept {
    fn find(snapshot: &dyn Snapshot, id: &ObjectId) -> Result<Option<Self>, StoreError> {
        let damaged = |_| StoreError::Damaged { table: "links", column: "state" };
        let bytes = snapshot.link(id)?;
        bytes.map(|b| codec::decode(&b, 128 * 1024).map_err(damaged)).transpose()
    }

    /// A link that has not ended.
    fn live(
        snapshot: &dyn Snapshot,
        id: &ObjectId,
        now: Timestamp,
    ) -> Result<Option<Self>, StoreError> {
        let exhausted = |link: &Self| link.passcode.as_ref().is_some_and(|p| p.attempts == 0);
        let found = Self::find(snapshot, id)?;
        Ok(found.filter(|link| now < link.state.until && !exhausted(link)))
    }

    fn keep(
        &mut self,
        tx: &mut dyn Transaction,
        id: &ObjectId,
        opening: Opening,
    ) -> Result<(), StoreError> {
        self.state.opened = self.state.opened.saturating_add(u64::from(opening.opened));
        self.state.attempts = self.passcode.as_ref().map(|p| p.attempts);
        self.state.openings.push(opening);
        let surplus = self.state.openings.len().saturating_sub(OPENINGS_KEPT);
        self.state.openings.drain(..surplus);
        tx.put_link(id, &codec::encode(self), None, self.state.until)
    }

    fn ticket(&self, id: &ObjectId, expires: Timestamp) -> String {
        let seconds = expires.as_seconds().to_be_bytes();
        let mac = domain::LINK_TICKET.hash(&[&self.tickets, id.as_bytes(), &seconds]);
        HEXLOWER.encode(&[&seconds[..], &mac].concat())
    }
}

/// Keeps a link for its maker, until it ends.
///
/// # Errors
/// Returns [`StoreError`] when the store fails.
pub fn put_link(
    id: &ObjectId,
    link: NewLink,
    maker: &VerificationKey,
    now: Timestamp,
    store: &dyn Store,
) -> Result<Outcome, StoreError> {
    let (id, maker) = (*id, *maker);
    let latest = now.as_seconds().saturating_add(DAYS_MAX.saturating_mul(DAY_SECONDS));
    if link.until <= now || link.until.as_seconds() > latest {
        return Ok(Rejection::NotPermitted.into());
    }
    port::write(store, move |tx| {
        tx.expire_links(now)?;
        if tx.link(&id)?.is_some() {
            return Ok(Rejection::NotPermitted.into());
        }
        let day = now.as_seconds().div_euclid(DAY_SECONDS);
        if tx.count(&maker, Meter::Links, day, 1)? > LINKS_PER_DAY {
            return Ok(Rejection::RateLimited.into());
        }
        let attempts = link.passcode.as_ref().map(|p| p.attempts);
        let NewLink { until, direct, url, tickets, passcode, file } = link;
        let state = LinkState { until, attempts, opened: 0, openings: Vec::new() };
        let kept = Kept { owner: maker, direct, url, tickets, passcode, state };
        tx.put_link(&id, &codec::encode(&kept), Some(&file), until)?;
        Ok(Outcome::Stored)
    })
}

/// What has become of a link, for its maker alone.
///
/// # Errors
/// Returns [`StoreError`] when the store fails.
pub fn link_state(
    id: &ObjectId,
    asker: &VerificationKey,
    store: &dyn Store,
) -> Result<Option<LinkState>, StoreError> {
    let found = port::read(store, |snapshot| Kept::find(snapshot, id))?;
    Ok(found.filter(|link| link.owner == *asker).map(|link| link.state))
}

/// Forgets a link and its file; its maker alone can. Says whether it was there.
///
/// # Errors
/// Returns [`StoreError`] when the store fails.
pub fn drop_link(
    id: &ObjectId,
    asker: &VerificationKey,
    store: &dyn Store,
) -> Result<bool, StoreError> {
    let (id, asker) = (*id, *asker);
    port::write(store, move |tx| {
        let owned = Kept::find(tx, &id)?.is_some_and(|link| link.owner == asker);
        if owned {
            tx.delete_link(&id)?;
        }
        Ok(owned)
    })
}

/// What somebody who opens a link says.
#[derive(Clone)]
#[expect(missing_debug_implementations, reason = "it may hold a passcode")]
pub struct Asked {
    /// Who they say they are.
    pub recipient: String,
    /// The passcode they know.
    pub passcode: Option<String>,
    /// Whether they ask with a plain GET.
    pub direct: bool,
}

/// What they get.
#[derive(Clone, PartialEq, Eq)]
#[expect(missing_debug_implementations, reason = "it holds addresses that open a file")]
pub enum Opened {
    /// The encrypted file, and an address for it that is good for five minutes.
    File {
        /// A JWE in compact form.
        file: Vec<u8>,
        /// Where it can be fetched too.
        location: String,
    },
    /// The passcode is missing or wrong.
    Passcode {
        /// Wrong ones that are still taken.
        remaining: u32,
    },
    /// Opened too often within a minute.
    TooOften,
    /// There is no such link, or no longer.
    Missing,
}

/// Opens a link.
///
/// # Errors
/// Returns [`StoreError`] when the store fails.
pub fn open_link(
    id: &ObjectId,
    asked: Asked,
    now: Timestamp,
    store: &dyn Store,
) -> Result<Opened, StoreError> {
    // Whoever tries addresses that do not exist writes nothing.
    let known = port::read(store, |snapshot| Kept::live(snapshot, id, now))?;
    if known.is_none_or(|link| link.direct != asked.direct) {
        return Ok(Opened::Missing);
    }
    let id = *id;
    port::write(store, move |tx| {
        let Some(mut link) = Kept::live(tx, &id, now)? else { return Ok(Opened::Missing) };
        let (minute, counted) = (now.as_seconds().div_euclid(60), *id.as_bytes());
        let counted = VerificationKey::from_bytes(counted);
        if tx.count(&counted, Meter::Openings, minute, 1)? > OPENINGS_PER_MINUTE {
            return Ok(Opened::TooOften);
        }
        let recipient = asked.recipient.chars().take(RECIPIENT_MAX).collect();
        let mut opening = Opening { at: now, recipient, opened: true };
        if let Some(passcode) = &mut link.passcode {
            let Some(tried) = &asked.passcode else {
                return Ok(Opened::Passcode { remaining: passcode.attempts });
            };
            let tried = LinkPasscode::hash(&passcode.salt, tried);
            if !bool::from(tried.ct_eq(&passcode.hash)) {
                passcode.attempts = passcode.attempts.saturating_sub(1);
                let remaining = passcode.attempts;
                opening.opened = false;
                link.keep(tx, &id, opening)?;
                return Ok(Opened::Passcode { remaining });
            }
        }
        let Some(file) = tx.link_file(&id)? else { return Ok(Opened::Missing) };
        let expires = Timestamp::from_seconds(now.as_seconds().saturating_add(TICKET_SECONDS));
        let location = format!("{}/file/{}", link.url, link.ticket(&id, expires));
        link.keep(tx, &id, opening)?;
        Ok(Opened::File { file, location })
    })
}

/// The file of a link, for a short-lived address that [`open_link`] gave out.
///
/// # Errors
/// Returns [`StoreError`] when the store fails.
pub fn link_file(
    id: &ObjectId,
    ticket: &str,
    now: Timestamp,
    store: &dyn Store,
) -> Result<Option<Vec<u8>>, StoreError> {
    port::read(store, |snapshot| {
        let named = ticket.get(..16).and_then(|hex| i64::from_str_radix(hex, 16).ok());
        let Some(expires) = named.map(Timestamp::from_seconds).filter(|end| now < *end) else {
            return Ok(None);
        };
        let Some(link) = Kept::find(snapshot, id)?.filter(|link| now < link.state.until) else {
            return Ok(None);
        };
        let right = link.ticket(id, expires);
        let holds = bool::from(right.as_bytes().ct_eq(ticket.as_bytes()));
        if holds { snapshot.link_file(id) } else { Ok(None) }
    })
}
