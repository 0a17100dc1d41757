//! What is accepted, object by object.

use core::num::NonZero;
use std::collections::BTreeMap;
use std::panic::resume_unwind;
use std::thread::{self, available_parallelism};

use minicbor::bytes::ByteVec;
use passport_core::access::{AccessError, AccessList, DropEpoch, Member, Rights};
use passport_core::codec;
use passport_core::envelope::{EnvelopeError, HeaderError, SealedEnvelope, Stretch, parts};
use passport_core::id::{ChannelId, EpochId, ObjectId, VerificationKey};
use passport_core::keys::{Verified, VerifyError};

use super::{Asker, ITEMS_BYTES_MAX, day};
use crate::session::port::{Channel, Epochs, FeedQuery, Meter, Object, StoreError, Transaction};
use crate::wire::{
    DeliveredLetter, ENVELOPE_MAX, ItemKind, LETTER_MAX, Letter, OBJECTS_MAX, Outcome, Rejection,
    object_id,
};

/// Fewest envelopes that are worth a thread of their own.
const CHECKED_MIN: usize = 16;

/// An envelope whose signature holds.
///
/// It is kept under the hash of all its bytes and not under its identity: the relay cannot
/// check that the ciphertext is the one the identity commits to, so whoever offers a spoiled
/// copy first must not keep the good one out.
pub(super) struct Checked {
    id: ObjectId,
    channel: ChannelId,
    epoch: EpochId,
    author: VerificationKey,
    stretch: Option<Stretch>,
    bytes: ByteVec,
}

impl Checked {
    /// The hash of all its bytes.
    pub(super) const fn id(&self) -> ObjectId {
        self.id
    }
}

/// Checks what can be known of an envelope by itself.
fn check_envelope(bytes: ByteVec) -> Result<Checked, Rejection> {
    if bytes.len() > ENVELOPE_MAX {
        return Err(Rejection::TooLarge);
    }
    let envelope = SealedEnvelope::decode(&bytes).map_err(|error| {
        let newer = matches!(error, EnvelopeError::Header(HeaderError::Unsupported));
        if newer { Rejection::UnknownVersion } else { Rejection::Malformed }
    })?;
    let envelope = envelope.verify().map_err(|_| Rejection::BadSignature)?;
    let header = envelope.header();
    Ok(Checked {
        id: object_id(&bytes),
        channel: header.channel,
        epoch: header.epoch,
        author: header.author,
        stretch: Stretch::of(envelope.sealed()),
        bytes,
    })
}

/// As [`check_envelope`], of many: a signature takes longer to verify than all else, so those of a
/// batch are verified on every processor there is.
pub(super) fn check_envelopes(envelopes: Vec<ByteVec>) -> Vec<Result<Checked, Rejection>> {
    let processors = available_parallelism().map_or(1, NonZero::get);
    let each = envelopes.len().div_ceil(processors).max(CHECKED_MIN);
    let mut envelopes = envelopes.into_iter();
    let mut part = || envelopes.by_ref().take(each).collect::<Vec<_>>();
    let check = |part: Vec<ByteVec>| part.into_iter().map(check_envelope).collect::<Vec<_>>();
    let first = part();
    let rest = core::iter::from_fn(|| Some(part()).filter(|part| !part.is_empty()));
    thread::scope(|scope| {
        let others: Vec<_> = rest.map(|part| scope.spawn(move || check(part))).collect();
        let mut checked = check(first);
        for other in others {
            checked.extend(other.join().unwrap_or_else(|panic| resume_unwind(panic)));
        }
        checked
    })
}

/// What a client is told of a statement that was not acceptable.
pub(super) fn refusal(error: AccessError) -> Rejection {
    if matches!(error, AccessError::Signature(VerifyError::Payload(_)) | AccessError::Form) {
        Rejection::Malformed
    } else if matches!(error, AccessError::Version { .. }) {
        Rejection::UnknownVersion
    } else {
        Rejection::BadSignature
    }
}

/// Sets an access list if it replaces the current one, and hands new readers what is there.
/// Where another list is current, returns that for those who may see it.
pub(super) fn set_list(
    tx: &mut dyn Transaction,
    asker: &Asker,
    list: &Verified<AccessList>,
    signed: &[u8],
) -> Result<(Outcome, Option<Vec<u8>>), StoreError> {
    let current = tx.channel(&list.channel)?;
    let tends = |m: &Member| m.can == Rights::ReadWrite && m.is_current(asker.now);
    let in_current = tx.member(&list.channel, &asker.key)?.as_ref().is_some_and(tends);
    let controller = current.as_ref().map_or(list.control, |current| current.control);
    let trusted = asker.key == controller || in_current;
    if !trusted && !list.member(&asker.key).is_some_and(tends) {
        return Ok((Rejection::NotPermitted.into(), None));
    }
    match current {
        Some(current) if current.hash == list.payload_hash() => return Ok((Outcome::Known, None)),
        Some(current) if list.replaces != Some(current.hash) || list.serial <= current.serial => {
            let told = if trusted { tx.access_list(&list.channel)? } else { None };
            return Ok((Rejection::AccessConflict.into(), told));
        }
        _ if list.signer() != controller => return Ok((Rejection::NotPermitted.into(), None)),
        Some(_) => {}
        None => {
            let opened = tx.count(&asker.key, Meter::Channels, day(asker.now), 1)?;
            if opened > asker.limits.channels_per_day {
                return Ok((Rejection::RateLimited.into(), None));
            }
        }
    }
    replace_members(tx, asker, list, signed)?;
    let id = object_id(signed);
    if !tx.has_object(&id)? {
        tx.put_object(&id, &Object::AccessList { channel: list.channel, bytes: signed })?;
    }
    tx.append_feed(&[list.controller()], &id)?;
    Ok((Outcome::Stored, None))
}

fn replace_members(
    tx: &mut dyn Transaction,
    asker: &Asker,
    list: &Verified<AccessList>,
    signed: &[u8],
) -> Result<(), StoreError> {
    let before = tx.members(&list.channel)?;
    let known = tx.channel(&list.channel)?.map(|channel| channel.live).unwrap_or_default();
    let begun: Vec<EpochId> = list.live.iter().filter(|e| !known.contains(e)).copied().collect();
    tx.put_channel(list, &list.payload_hash(), signed)?;
    for gone in before.iter().filter(|m| list.member(&m.key).is_none_or(|m| !m.can.reads())) {
        tx.clear_feed(&gone.key, &list.channel)?;
    }
    for member in list.members.iter().filter(|m| m.may_read(asker.now)) {
        let old = before.iter().find(|m| m.key == member.key);
        let had_all =
            old.is_some_and(|old| old.may_read(asker.now) && (old.history || !member.history));
        if !had_all {
            tx.backfill(&member.key, &list.channel, epochs_for(Some(member), &list.live))?;
        } else if !member.history && !begun.is_empty() {
            // What came in an epoch before a list named it went to those with history alone.
            tx.backfill(&member.key, &list.channel, Epochs::Only(&begun))?;
        }
    }
    Ok(())
}

/// Where the envelopes of one author go that are of one epoch, as far as it was found out.
#[derive(Debug)]
pub(super) struct Place {
    channel: ChannelId,
    epoch: EpochId,
    author: VerificationKey,
    /// Who is handed them, and how many bytes the channel has; or why they are not taken.
    found: Result<(Vec<VerificationKey>, u64), Rejection>,
}

impl Place {
    fn is_of(&self, envelope: &Checked) -> bool {
        (self.channel, self.epoch, self.author)
            == (envelope.channel, envelope.epoch, envelope.author)
    }

    fn find(tx: &dyn Transaction, asker: &Asker, envelope: &Checked) -> Result<Self, StoreError> {
        let Checked { channel, epoch, author, .. } = *envelope;
        let found = find(tx, asker, envelope)?;
        Ok(Self { channel, epoch, author, found })
    }
}

/// Who is handed an envelope of a writer that a member offers, and how many bytes its channel
/// has.
///
/// The author may be gone from the list if a member who reads and writes offers it: so a device
/// can fill a new relay with what others wrote.
fn find(
    tx: &dyn Transaction,
    asker: &Asker,
    envelope: &Checked,
) -> Result<Result<(Vec<VerificationKey>, u64), Rejection>, StoreError> {
    let Some(channel) = tx.channel(&envelope.channel)? else {
        return Ok(Err(Rejection::UnknownChannel));
    };
    let members = tx.members(&envelope.channel)?;
    let member = |key: &VerificationKey| members.iter().find(|m| m.key == *key);
    let controls = channel.control == asker.key;
    let offers = member(&asker.key).filter(|m| m.is_current(asker.now));
    if !controls && offers.is_none() {
        return Ok(Err(Rejection::NotPermitted));
    }
    let refills = controls || offers.is_some_and(|m| m.can == Rights::ReadWrite);
    let author = member(&envelope.author);
    let writes =
        envelope.author == channel.control || author.is_some_and(|m| m.may_write(asker.now));
    if !writes && !refills {
        return Ok(Err(Rejection::NotPermitted));
    }
    let readers = members
        .iter()
        .filter(|m| m.may_read(asker.now))
        .filter(|m| m.history || channel.live.contains(&envelope.epoch))
        .map(|m| m.key)
        .collect();
    Ok(Ok((readers, channel.bytes)))
}

/// What is known while the envelopes of a request are appended.
#[derive(Default)]
struct Intake {
    /// Where the last one went: most of one request are of one author and epoch.
    place: Option<Place>,
    /// Bytes that the asker's key brought today before.
    before: u64,
    /// Bytes that it brings now.
    now: u64,
}

/// Appends the envelopes of a request, each if it may be.
pub(super) fn append_all(
    tx: &mut dyn Transaction,
    asker: &Asker,
    envelopes: Vec<Result<Checked, Rejection>>,
) -> Result<Vec<Outcome>, StoreError> {
    if envelopes.is_empty() {
        return Ok(Vec::new());
    }
    let (key, day) = (asker.key, day(asker.now));
    let before = tx.counted(&key, Meter::Bytes, day)?;
    let mut intake = Intake { before, ..Intake::default() };
    let mut outcomes = Vec::with_capacity(envelopes.len());
    for envelope in envelopes {
        outcomes.push(match envelope {
            Ok(envelope) => append(tx, asker, &mut intake, &envelope)?,
            Err(rejection) => rejection.into(),
        });
    }
    if intake.now > 0 {
        tx.count(&key, Meter::Bytes, day, intake.now)?;
    }
    Ok(outcomes)
}

fn append(
    tx: &mut dyn Transaction,
    asker: &Asker,
    intake: &mut Intake,
    envelope: &Checked,
) -> Result<Outcome, StoreError> {
    let here = match intake.place.take().filter(|place| place.is_of(envelope)) {
        Some(same) => same,
        None => Place::find(tx, asker, envelope)?,
    };
    let (readers, kept) = match &mut intake.place.insert(here).found {
        Ok(found) => found,
        Err(rejection) => return Ok((*rejection).into()),
    };
    if tx.has_object(&envelope.id)? {
        return Ok(Outcome::Known);
    }
    let replaced = replaced(tx, asker, envelope)?;
    let left = kept.saturating_sub(replaced.values().sum());
    let after = left.saturating_add(envelope.bytes.len() as u64);
    if after > asker.limits.channel_bytes {
        return Ok(Rejection::QuotaExceeded.into());
    }
    let size = envelope.bytes.len() as u64;
    let today = intake.before.saturating_add(intake.now).saturating_add(size);
    if today > asker.limits.bytes_per_day {
        return Ok(Rejection::RateLimited.into());
    }
    intake.now += size;
    *kept = after;
    let object = Object::Envelope {
        channel: envelope.channel,
        epoch: envelope.epoch,
        last: envelope.stretch.as_ref().map(|stretch| stretch.last),
        bytes: &envelope.bytes,
    };
    tx.put_object(&envelope.id, &object)?;
    if replaced.is_empty() {
        tx.append_feed(readers, &envelope.id)?;
    } else {
        let have = tx.replace(&replaced.into_keys().collect(), &envelope.id)?;
        let lack: Vec<_> = readers.iter().filter(|key| !have.contains(*key)).copied().collect();
        tx.append_feed(&lack, &envelope.id)?;
    }
    Ok(Outcome::Stored)
}

/// What a pack takes the place of, with the bytes of each: the whole run that it says it stands
/// for, if all of it is here.
///
/// Only if its author offers it, or whoever has the channel's control key: a signature does not
/// cover the ciphertext, so anybody else might offer a spoiled copy.
fn replaced(
    tx: &dyn Transaction,
    asker: &Asker,
    envelope: &Checked,
) -> Result<BTreeMap<ObjectId, u64>, StoreError> {
    let run = envelope.stretch.as_ref().filter(|stretch| stretch.packed);
    let Some(run) = run else { return Ok(BTreeMap::new()) };
    let controls = tx.channel(&run.channel)?.is_some_and(|c| c.control == asker.key);
    if !controls && asker.key != envelope.author {
        return Ok(BTreeMap::new());
    }
    let gone = parts(run, |last| {
        let ending = tx.ending_at(&run.channel, last)?.into_iter();
        let read = |(id, bytes): (ObjectId, Vec<u8>)| {
            let stretch = Stretch::of(&SealedEnvelope::decode(&bytes).ok()?)?;
            Some(((id, bytes.len() as u64), stretch))
        };
        Ok::<_, StoreError>(ending.filter_map(read).collect())
    })?;
    Ok(gone.into_iter().collect())
}

/// Puts a letter into a mailbox. The same letter of the same sender is kept once.
pub(super) fn deliver(
    tx: &mut dyn Transaction,
    asker: &Asker,
    letter: Letter,
) -> Result<Outcome, StoreError> {
    if letter.body.len() > LETTER_MAX {
        return Ok(Rejection::TooLarge.into());
    }
    let delivered = DeliveredLetter { from: asker.key, body: letter.body };
    let bytes = codec::encode(&delivered);
    let addressed = [letter.to.as_bytes().as_slice(), &bytes].concat();
    let id = object_id(&addressed);
    if tx.has_object(&id)? {
        return Ok(Outcome::Known);
    }
    let limits = &asker.limits;
    // One sender has a share of the mailbox, that it has room for others.
    let shares = [
        (None, limits.mailbox_letters, limits.mailbox_bytes),
        (Some(&asker.key), limits.sender_letters, limits.sender_bytes),
    ];
    for (sender, letters_max, bytes_max) in shares {
        let usage = tx.mailbox_usage(&letter.to, sender)?;
        let full = usage.letters >= letters_max
            || usage.bytes.saturating_add(bytes.len() as u64) > bytes_max;
        if full {
            return Ok(Rejection::QuotaExceeded.into());
        }
    }
    if tx.count(&asker.key, Meter::Letters, day(asker.now), 1)? > limits.letters_per_day {
        return Ok(Rejection::RateLimited.into());
    }
    tx.put_object(&id, &Object::Letter { to: letter.to, from: asker.key, bytes: &bytes })?;
    tx.append_feed(&[letter.to], &id)?;
    Ok(Outcome::Stored)
}

/// Forgets an epoch that the current list no longer names as live, if the asker has read all
/// there is of it: what came since would be lost.
pub(super) fn drop_epoch(
    tx: &mut dyn Transaction,
    asker: &Asker,
    read_to: u64,
    drop: &Verified<DropEpoch>,
) -> Result<Outcome, StoreError> {
    let Some(channel) = tx.channel(&drop.channel)? else {
        return Ok(Rejection::UnknownChannel.into());
    };
    let member = tx.member(&drop.channel, &asker.key)?;
    let tends = member.is_some_and(|m| m.can == Rights::ReadWrite && m.is_current(asker.now));
    if drop.signer() != channel.control || (asker.key != channel.control && !tends) {
        return Ok(Rejection::NotPermitted.into());
    }
    if channel.live.contains(&drop.epoch) {
        return Ok(Rejection::EpochLive.into());
    }
    if has_unread(tx, asker, read_to, drop)? {
        return Ok(Rejection::Unread.into());
    }
    tx.drop_epoch(&drop.channel, &drop.epoch)?;
    Ok(Outcome::Stored)
}

/// Whether the asker's feed holds something of an epoch beyond what it has read; also if there is
/// more than is looked at.
fn has_unread(
    tx: &dyn Transaction,
    asker: &Asker,
    read_to: u64,
    drop: &DropEpoch,
) -> Result<bool, StoreError> {
    let query = FeedQuery {
        key: asker.key,
        after: read_to,
        now: asker.now,
        rows_max: OBJECTS_MAX,
        bytes_max: ITEMS_BYTES_MAX,
    };
    let page = tx.feed(&query)?;
    let of_epoch = |bytes: &[u8]| {
        let envelope = SealedEnvelope::decode(bytes);
        envelope.is_ok_and(|e| (e.header().channel, e.header().epoch) == (drop.channel, drop.epoch))
    };
    let mut envelopes = page.items.iter().filter(|item| item.kind == ItemKind::Envelope);
    Ok(page.more || envelopes.any(|item| of_epoch(&item.bytes)))
}

/// Puts a channel into the asker's feed once more.
pub(super) fn fetch(
    tx: &mut dyn Transaction,
    asker: &Asker,
    channel: &ChannelId,
) -> Result<Outcome, StoreError> {
    let Some(Channel { control, live, .. }) = tx.channel(channel)? else {
        return Ok(Rejection::UnknownChannel.into());
    };
    let member = tx.member(channel, &asker.key)?.filter(|m| m.may_read(asker.now));
    if control != asker.key && member.is_none() {
        return Ok(Rejection::NotPermitted.into());
    }
    let member = member.filter(|_| control != asker.key);
    tx.backfill(&asker.key, channel, epochs_for(member.as_ref(), &live))?;
    Ok(Outcome::Stored)
}

/// Which epochs a member is handed; the control key has no need of a membership.
fn epochs_for<'a>(member: Option<&Member>, live: &'a [EpochId]) -> Epochs<'a> {
    if member.is_none_or(|m| m.history) { Epochs::All } else { Epochs::Only(live) }
}
