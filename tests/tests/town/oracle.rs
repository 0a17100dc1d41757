//! What must be true, from what was done in plain words.

use std::collections::{BTreeMap, BTreeSet};
use std::convert::Infallible;

use passport_core::author::Author;
use passport_core::codec;
use passport_core::envelope::{SealedEnvelope, Stretch, parts};
use passport_core::holder::GrantState;
use passport_core::id::{EntryId, EnvelopeId, EpochId, ObjectId, OrganisationId, VerificationKey};
use passport_core::ledger::FoldedGrant;
use passport_core::party::Party as _;
use passport_core::replica::{EntryNow, Stance};
use passport_core::time::Timestamp;
use passport_core::vault::{Table, Vault as _};
use passport_tests::post::Post;

use crate::hoard::Hoard;
use crate::people::{Device, Office, SECTIONS, Student, section, words_of};
use crate::streets::{HOUR, Who};

/// An entry that somebody added, with a word that is in it alone.
#[derive(Clone, Debug)]
pub(crate) struct Added {
    pub(crate) section: &'static str,
    pub(crate) entry: EntryId,
    pub(crate) word: String,
    /// Which device, or none for an organisation.
    pub(crate) device: Option<usize>,
    pub(crate) author: Author,
}

/// What a device shows of each section: the epoch, and a digest of the view.
type Shown = Vec<Option<(EpochId, [u8; 32])>>;

/// Everything that was done.
#[derive(Debug, Default)]
pub(crate) struct Oracle {
    pub(crate) added: Vec<Added>,
    /// Entries that somebody removed: which devices.
    pub(crate) removed: BTreeMap<EntryId, BTreeSet<usize>>,
    /// Entries that somebody changed, or wrote beside.
    pub(crate) changed: BTreeSet<EntryId>,
    /// Who wrote each word.
    wrote: BTreeMap<String, Author>,
    /// Sections given to each organisation and not taken back, each until a moment or for good.
    given: BTreeMap<(&'static str, OrganisationId), Vec<Option<Timestamp>>>,
    /// Who gave each section to each organisation to write in.
    givers: BTreeSet<(VerificationKey, &'static str, OrganisationId)>,
    /// Sections an organisation was ever given.
    ever_given: BTreeSet<(&'static str, OrganisationId)>,
    /// Sections an organisation was ever taken away, or had until a day.
    taken: BTreeSet<(&'static str, OrganisationId)>,
    /// Words that an organisation must not come to read, and why.
    secret: BTreeMap<(OrganisationId, String), &'static str>,
    /// Words that were written after a device was known to be removed, by the key of the device.
    unheard: BTreeSet<(usize, String)>,
    /// Words that each device has shown, of a section.
    shown: BTreeMap<(usize, &'static str), BTreeSet<String>>,
    /// What was shown by whoever knew just this.
    known: BTreeMap<[u8; 32], (usize, Shown)>,
    /// Recovery phrases that were replaced, by which device and with what root, and whether there
    /// are two lines of them: one was replaced twice, or by a device that was removed by somebody
    /// who may not have heard of it.
    replaced: BTreeMap<usize, (VerificationKey, Option<VerificationKey>)>,
    pub(crate) forked: bool,
    /// Epochs that there were in the beginning, and that were founded by what people did.
    first: usize,
    founded: usize,
    /// Devices let in; and new generations of the ledger, of how many sections each.
    let_in: usize,
    rekeyed: Vec<usize>,
    words: usize,
}

/// The words in some bytes: `word`, a number, `z`.
pub(crate) fn words_in(bytes: &[u8]) -> BTreeSet<String> {
    let mut all = BTreeSet::new();
    for at in bytes.iter().enumerate().filter(|(_, b)| **b == b'w').map(|(at, _)| at) {
        let Some(rest) = bytes[at..].strip_prefix(b"word") else { continue };
        let digits = rest.iter().take_while(|b| b.is_ascii_digit()).count();
        if digits > 0 && rest.get(digits) == Some(&b'z') {
            all.insert(String::from_utf8_lossy(&bytes[at..at + 5 + digits]).into_owned());
        }
    }
    all
}

impl Oracle {
    /// Of a new passport with so many epochs.
    pub(crate) fn of_new(epochs: usize) -> Self {
        Self { first: epochs, ..Self::default() }
    }

    /// A word that nobody has written yet.
    pub(crate) fn word(&mut self, author: Author) -> String {
        self.words += 1;
        let word = format!("word{}z", self.words);
        self.wrote.insert(word.clone(), author);
        word
    }

    /// What a device shows of a section; notes it, and that what is seen again is no secret, nor
    /// what it gives to those of whose grants it has heard, and not of their end.
    pub(crate) fn look(
        &mut self,
        n: usize,
        device: &mut Device,
        name: &'static str,
        now: i64,
    ) -> BTreeSet<String> {
        let Ok(view) = device.party.view(&section(name)) else { return BTreeSet::new() };
        let words = words_of(&view);
        self.shown.entry((n, name)).or_default().extend(words.iter().cloned());
        self.stood_by(&words);
        let at = Timestamp::from_seconds(now + device.skew);
        self.secret.retain(|(who, word), why| {
            *why != UNGIVEN || !words.contains(word) || !has_grant(device, name, *who, at)
        });
        words
    }

    /// A device stands by words: whoever took them away, it has not heard.
    pub(crate) fn stood_by(&mut self, words: &BTreeSet<String>) {
        self.secret.retain(|(_, word), why| *why != GONE || !words.contains(word));
    }

    /// A device is about to give a section: what it knows to be gone must not go along.
    pub(crate) fn gives(
        &mut self,
        n: usize,
        device: &mut Device,
        name: &'static str,
        to: OrganisationId,
        now: i64,
    ) {
        let shown = self.look(n, device, name, now);
        if !self.ever_given.contains(&(name, to)) {
            let seen = self.shown.get(&(n, name)).cloned().unwrap_or_default();
            for word in seen.difference(&shown) {
                self.secret.insert((to, word.clone()), GONE);
            }
        }
    }

    /// A section was given; to write in it, by whom.
    pub(crate) fn gave(
        &mut self,
        name: &'static str,
        to: OrganisationId,
        until: Option<Timestamp>,
        to_write: Option<&Device>,
    ) {
        self.givers.extend(to_write.map(|by| (by.party.device(), name, to)));
        self.given.entry((name, to)).or_default().push(until);
        self.ever_given.insert((name, to));
        if until.is_some() {
            self.taken.insert((name, to));
        }
        self.secret.retain(|(who, _), why| *why == GONE || *who != to);
    }

    /// Whether somebody gave a section, and nobody took it back.
    pub(crate) fn has(&self, name: &'static str, who: OrganisationId) -> bool {
        self.given.contains_key(&(name, who))
    }

    /// A section was taken back.
    pub(crate) fn took(&mut self, name: &'static str, from: OrganisationId) {
        self.given.remove(&(name, from));
        self.taken.insert((name, from));
    }

    /// A device replaced a phrase, by its number, by another.
    pub(crate) fn replaced(&mut self, phrase: usize, by: &Device) {
        let this = (by.party.device(), root_of(by));
        self.forked |= self.replaced.insert(phrase, this).is_some();
    }

    /// A device was removed by another: consents of its that the other has not heard of never
    /// counted. Who has a section by another's too writes as before.
    pub(crate) fn expelled(&mut self, device: VerificationKey, by: &Device) {
        let by_it = self.givers.extract_if(.., |(giver, ..)| *giver == device);
        for (_, name, to) in by_it.collect::<Vec<_>>() {
            let section = section(name);
            let mut grants = by.party.fold().grants.iter();
            let heard = |g: &FoldedGrant| {
                g.signed.claimed_signer() == device
                    && g.grant.organisation == to
                    && g.grant.section == section
            };
            let has_another = self.givers.iter().any(|(_, n, o)| (*n, *o) == (name, to));
            if !grants.any(heard) && !has_another {
                self.taken.insert((name, to));
            }
        }
        let heard = root_of(by);
        self.forked |= self.replaced.values().any(|(of, root)| *of == device && *root != heard);
    }

    /// What somebody did founded so many epochs.
    pub(crate) fn founded(&mut self, epochs: usize) {
        self.founded += epochs;
    }

    /// A device was let in.
    pub(crate) fn let_in(&mut self) {
        self.let_in += 1;
    }

    /// What somebody did began a new generation of the ledger, and founded each section.
    pub(crate) fn rekeyed(&mut self, sections: usize) {
        self.founded(sections);
        self.rekeyed.push(sections);
    }

    /// How many epochs there may be: the first ones, what people founded, and for each of those the
    /// merges of those who did not know of each other. Where a device was let in by one who had not
    /// heard of a new generation of the ledger, another begins, with each section.
    pub(crate) fn epochs_most(&self, devices: usize) -> usize {
        let again: usize = self.rekeyed.iter().take(self.let_in).sum();
        self.first + (self.founded + again) * (devices + 1)
    }

    /// How many consents that nobody took back have ended.
    pub(crate) fn ended(&self, at: Timestamp) -> usize {
        self.given.values().flatten().filter(|until| until.is_some_and(|until| until <= at)).count()
    }

    /// Whether an organisation may have a section now, whatever clocks say.
    fn may_have(&self, name: &'static str, who: OrganisationId, now: i64) -> bool {
        let ends = self.given.get(&(name, who));
        let last = Timestamp::from_seconds(now - 3 * HOUR);
        ends.is_some_and(|ends| ends.iter().any(|until| until.is_none_or(|until| until > last)))
    }

    /// A device wrote a word: a secret to organisations that nobody has given the section, as far
    /// as the device knows, nor anybody else; and to devices that it knows to be removed.
    pub(crate) fn wrote_apart(
        &mut self,
        name: &'static str,
        word: &str,
        n: usize,
        now: i64,
        devices: &[Device],
        offices: &[Office],
    ) {
        let by = &devices[n];
        if by.removed {
            return;
        }
        let at = Timestamp::from_seconds(now + by.skew);
        for id in offices.iter().map(|office| office.party.id()) {
            if !self.may_have(name, id, now) && !has_grant(by, name, id, at) {
                self.secret.insert((id, word.to_owned()), UNGIVEN);
            }
        }
        for (other, device) in devices.iter().enumerate() {
            let known = by.party.fold().devices.get(&device.party.device());
            if known.is_some_and(|known| known.removed) {
                self.unheard.insert((other, word.to_owned()));
            }
        }
    }

    /// An organisation wrote words: secret to those that were never given the section.
    pub(crate) fn wrote_at_office<'a>(
        &mut self,
        name: &'static str,
        words: impl IntoIterator<Item = &'a String>,
        offices: &[Office],
    ) {
        for word in words {
            for id in offices.iter().map(|office| office.party.id()) {
                if !self.ever_given.contains(&(name, id)) {
                    self.secret.insert((id, word.clone()), UNGIVEN);
                }
            }
        }
    }

    /// Promise 6: what is shown is a function of what is known. At any moment.
    pub(crate) fn who_knows_the_same_shows_the_same(&mut self, n: usize, device: &mut Device) {
        let knows = known_to(&device.party);
        let shows: Shown = SECTIONS
            .iter()
            .map(|name| device.party.view(&section(name)).ok().map(|v| (v.epoch, v.digest())))
            .collect();
        let (other, showed) = self.known.entry(knows).or_insert_with(|| (n, shows.clone()));
        assert_eq!(shows, *showed, "device {n} knows what {other} knew, and shows something else");
    }
}

/// The root of the phrase that a device goes by.
fn root_of(device: &Device) -> Option<VerificationKey> {
    let fold = device.party.fold();
    fold.devices.get(&device.party.device())?.chain.claimed_last_root()
}

/// A digest of everything a device has: envelopes, and keys of the ledger.
fn known_to(party: &Student) -> [u8; 32] {
    let vault = party.journal().vault();
    let mut hash = blake3::Hasher::new();
    for (key, _) in vault.scan(Table::Envelope).unwrap() {
        // The other records are the envelopes in order of arrival.
        if ObjectId::from_slice(&key).is_ok() {
            hash.update(&key);
        }
    }
    for key in party.list_keys() {
        hash.update(key.verification_key().as_bytes());
    }
    hash.finalize().into()
}

/// Whether a device knows of a grant in force.
fn has_grant(device: &Device, name: &str, to: OrganisationId, at: Timestamp) -> bool {
    device.party.grants(at).iter().any(|g| {
        let of = g.grant.section.as_str() == name && g.grant.organisation == to;
        of && g.state == GrantState::Active
    })
}

/// It was removed or overwritten before the organisation first got the section.
const GONE: &str = "was gone before the grant";
/// It was written when the organisation had no grant.
const UNGIVEN: &str = "was written without a grant";

/// Every word that an organisation can open.
fn reach(office: &mut Office) -> BTreeSet<String> {
    let epochs: Vec<_> = office.party.epochs().keys().copied().collect();
    let mut all = BTreeSet::new();
    for epoch in epochs {
        let Ok(replica) = office.party.replica(epoch) else { continue };
        for (_, node) in replica.history() {
            for edit in &node.edits {
                // What is signed of a field that was not shown is a hash.
                all.extend(words_in(&codec::encode(edit)));
            }
        }
        for record in replica.records() {
            all.extend(words_in(&codec::encode(&record)));
        }
    }
    all
}

/// Promises 2 and 3: no organisation opens what it was never given, what was written after its
/// grant was taken back or had ended, and what was gone before it had one. At any moment.
pub(crate) fn nobody_reads_without_a_grant(oracle: &Oracle, office: &mut Office) {
    let (id, reach) = (office.party.id(), reach(office));
    for ((who, word), why) in &oracle.secret {
        assert!(*who != id || !reach.contains(word), "an organisation reads {word}: it {why}");
    }
}

/// Promise 2, of devices: one that was removed reads nothing that was written by anybody who had
/// heard. At any moment.
pub(crate) fn a_removed_device_reads_nothing_new(oracle: &Oracle, n: usize, device: &mut Device) {
    if !device.removed {
        return;
    }
    for name in SECTIONS {
        let shown = oracle.shown.get(&(n, name));
        for word in shown.into_iter().flatten() {
            let news = oracle.unheard.contains(&(n, word.clone()));
            assert!(!news, "device {n} reads {word}, written after its removal");
        }
    }
}

/// Promise 4: nothing stands in the name of somebody who did not write it. At any moment.
pub(crate) fn nobody_speaks_for_another(oracle: &Oracle, device: &mut Device) {
    for name in SECTIONS {
        let Ok(view) = device.party.view(&section(name)) else { continue };
        for entry in &view.entries {
            for version in entry.fields.values().flat_map(|field| &field.versions) {
                for word in words_in(&codec::encode(&version.value)) {
                    let wrote = oracle.wrote.get(&word);
                    let other = version.author != Author::Holder;
                    assert!(
                        !other || wrote == Some(&version.author),
                        "{word} of {wrote:?} stands in the name of {:?}",
                        version.author
                    );
                }
            }
        }
    }
}

/// Promises 5 and 8: after an exchange that went through, a relay has what the device believes it
/// to have, whatever it lost before. After each such exchange.
pub(crate) fn what_counts_as_kept_is_there(party: &Student, at: Timestamp, post: &Post) {
    let outgoing = party.outgoing(&post.url, at).unwrap();
    let waits: BTreeSet<Vec<u8>> = outgoing.envelopes.into_iter().map(|e| e.bytes).collect();
    let remote = party.remote(&post.url).unwrap();
    for epoch in party.journal().epochs() {
        let count = party.journal().extent(epoch).count;
        if !remote.has(epoch, count) {
            continue;
        }
        let here = party.journal().envelopes(epoch).unwrap();
        let stretches: Vec<Option<Stretch>> = here.iter().map(Stretch::of).collect();
        let kept = |bytes: &Vec<u8>| waits.contains(bytes) || post.has(&ObjectId::of(bytes));
        let mut missing: BTreeSet<usize> = here
            .iter()
            .map(SealedEnvelope::encode)
            .enumerate()
            .filter(|(_, bytes)| !kept(bytes))
            .map(|(n, _)| n)
            .collect();
        if missing.is_empty() {
            continue;
        }
        // A pack that is there stands for all of its run. Whoever had read past that does not get
        // it, so it may be known to nobody but the relay.
        let sent = post.sent().filter(|envelope| envelope.header().epoch == *epoch);
        let sent: Vec<(bool, Stretch)> = sent
            .filter_map(|envelope| Some((kept(&envelope.encode()), Stretch::of(envelope)?)))
            .collect();
        for (_, pack) in sent.iter().filter(|(kept, pack)| *kept && pack.packed) {
            let of = (0..).zip(&stretches).filter_map(|(n, s)| Some((Some(n), s.clone()?)));
            let of = of.chain(sent.iter().map(|(_, s)| (None, s.clone())));
            let of: Vec<(Option<usize>, Stretch)> = of.filter(|(_, s)| s.is_beside(pack)).collect();
            let ending_at = |last: &EnvelopeId| {
                Ok::<_, Infallible>(of.iter().filter(|(_, s)| s.last == *last).cloned().collect())
            };
            let within = parts(pack, ending_at).unwrap();
            missing.retain(|n| !within.contains(&Some(*n)));
        }
        let count = missing.len();
        assert_eq!(count, 0, "so many of {epoch:?} count as kept at a relay and are not there");
    }
}

/// Promise 2: whoever lost a right, or was removed, opens nothing that was written by anybody who
/// had heard, whatever relays hand out. In the end.
pub(crate) fn no_former_reader_opens_what_is_new(
    oracle: &Oracle,
    hoard: &Hoard,
    devices: &[Device],
    offices: &[Office],
    posts: &[Post],
) {
    for (o, office) in offices.iter().enumerate() {
        let (id, reach) = (office.party.id(), hoard.reach(Who::Office(o), posts));
        for ((who, word), why) in &oracle.secret {
            let opens = *who == id && reach.contains(word);
            assert!(!opens, "organisation {o} can open {word} with a relay's help: it {why}");
        }
    }
    for n in (0..devices.len()).filter(|n| devices[*n].removed) {
        let reach = hoard.reach(Who::Device(n), posts);
        for (_, word) in oracle.unheard.iter().filter(|(other, _)| *other == n) {
            let opens = reach.contains(word);
            assert!(!opens, "device {n} can open {word}, written after its removal");
        }
    }
}

/// Sizes stay bounded: an exchange founds each section anew twice at most, once for what came
/// first and once for what came of it. `before` are the epochs that anybody knew of.
pub(crate) fn few_are_founded(device: &Device, before: &BTreeSet<EpochId>, at: Timestamp) {
    let (own, fold) = (device.party.device(), device.party.fold());
    let charters = fold.epochs.values().map(|epoch| &epoch.charter);
    let here = charters.filter(|c| (c.founder(), c.founded_at) == (own, at));
    let founded = here.filter(|charter| !before.contains(&charter.id())).count();
    assert!(founded <= 2 * device.party.sections().len(), "an exchange founded {founded} epochs");
}

/// Promise 5: what was written and not removed is there. When all is healed.
pub(crate) fn nothing_is_lost(oracle: &Oracle, device: &mut Device, removed: &BTreeSet<usize>) {
    for added in &oracle.added {
        // Whoever was removed or lost a right waits in quarantine for the holder.
        let may = match (added.device, added.author) {
            (Some(n), _) => !removed.contains(&n),
            (None, Author::Organisation(o)) => !oracle.taken.contains(&(added.section, o)),
            (None, Author::Holder) => false,
        };
        if !may || oracle.removed.contains_key(&added.entry) {
            continue;
        }
        let view = device.party.view(&section(added.section)).unwrap();
        let there = view.entries.iter().find(|e| e.id == added.entry);
        let record = there.map(|e| codec::encode(&e.to_record())).unwrap_or_default();
        assert!(words_in(&record).contains(&added.word), "{added:?} is lost");
    }
}

/// Promise 5: what was removed, and nobody else touched, is gone. When all is healed; nothing is
/// asked where there are two lines of phrases: what was removed on the one that does not prevail
/// may stand again.
pub(crate) fn nothing_comes_back(oracle: &Oracle, device: &mut Device, removed: &BTreeSet<usize>) {
    for added in oracle.added.iter().filter(|_| !oracle.forked) {
        let by = oracle.removed.get(&added.entry).into_iter().flatten();
        let stays = by.clone().any(|n| removed.contains(n)) || by.count() == 0;
        if stays || oracle.changed.contains(&added.entry) {
            continue;
        }
        let view = device.party.view(&section(added.section)).unwrap();
        // Of two copies that devices carried over at once, a removal may have seen one.
        let is_back = |e: &EntryNow| e.id == added.entry && e.stance != Stance::Disputed;
        assert!(!view.entries.iter().any(is_back), "{added:?} is back");
    }
}

/// Promise 7: what was put aside shows nowhere, no part of it. When all is healed; how much there
/// was.
pub(crate) fn what_is_put_aside_shows_nowhere(device: &mut Device) -> usize {
    let mut shown = BTreeSet::new();
    for name in SECTIONS {
        let Ok(view) = device.party.view(&section(name)) else { continue };
        shown.extend(words_of(&view));
    }
    let aside = device.party.quarantined().unwrap();
    for held in &aside {
        for value in held.edits.iter().filter_map(|edit| edit.value.as_ref()) {
            for word in words_in(value.as_bytes()) {
                assert!(!shown.contains(&word), "{word} was put aside, and shows");
            }
        }
    }
    aside.len()
}

/// Promise 9: what is said to have been received was. When all is healed.
pub(crate) fn receipts_tell_the_truth(device: &Device, offices: &mut [Office]) {
    for arrival in device.party.arrivals().unwrap() {
        let office = offices.iter_mut().find(|o| o.party.id() == arrival.organisation).unwrap();
        let Ok(replica) = office.party.replica(arrival.epoch) else { continue };
        for head in &arrival.heads {
            assert!(replica.node(head).is_some(), "{head:?} counts as received, and is not");
        }
    }
}

/// Promise 6: when all is healed, all who may read show the same. Where one phrase was replaced
/// twice, or by a device that somebody removed who had not heard of it, an organisation stays with the line that it heard of
/// first, until a person tells it otherwise (ADR 0047): there, nothing is asked of organisations.
pub(crate) fn all_show_the_same(
    oracle: &Oracle,
    at: Timestamp,
    devices: &mut [&mut Device],
    offices: &mut [Office],
) {
    for name in SECTIONS {
        let mut shown = Vec::new();
        for device in devices.iter_mut() {
            shown.push(device.party.view(&section(name)).ok().map(|v| (v.epoch, v.digest())));
        }
        for (n, other) in shown.iter().enumerate() {
            let knows = |n: usize| {
                let party = &devices[n].party;
                (party.fold().epochs.len(), party.list_keys().len(), party.device())
            };
            assert_eq!(
                other,
                &shown[0],
                "device {n} shows another {name}: epochs, keys {:?}, not {:?}",
                knows(n),
                knows(0)
            );
        }
        let passport = devices[0].party.passport();
        for office in offices.iter_mut().filter(|_| !oracle.forked) {
            if has_grant(devices[0], name, office.party.id(), at) {
                let view = office.party.view(passport, &section(name)).ok();
                let view = view.map(|v| (v.epoch, v.digest()));
                assert_eq!(view, shown[0], "an organisation shows another {name}");
            }
        }
    }
}
