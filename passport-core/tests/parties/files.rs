//! Files beside the record: whoever can read an entry can read its file, and nobody else.

use passport_core::attachment::{Chunk, PART_BYTES, Stream};
use passport_core::envelope::{Kind, SealedEnvelope};
use passport_core::epoch::Right;
use passport_core::holder::NewEntry;
use passport_core::id::{EntryId, EpochId};
use passport_core::journal::Journal;
use passport_core::keys::OrganisationKind;
use passport_core::party::PartyError;
use passport_core::section::{Attachment, Value};
use passport_core::vault::{MemoryVault, Vault};
use rand_chacha::ChaCha20Rng;
use rand_core::Rng as _;

use super::office::*;

/// The content of a file, as its media type does not say.
fn bytes(len: usize, rng: &mut ChaCha20Rng) -> Vec<u8> {
    let mut bytes = vec![0; len];
    rng.fill_bytes(&mut bytes);
    bytes
}

fn attach(
    student: &mut Student,
    to: &str,
    title: &str,
    content: &[u8],
    rng: &mut ChaCha20Rng,
) -> EntryId {
    let to = section(to);
    let mut filing = student.begin_file(&to, rng);
    // Whoever reads a file feeds what came, however little that is.
    content.chunks(1000).for_each(|some| filing.feed(some).unwrap());
    let filed = filing.finish(title, "application/pdf").unwrap();
    let filed = student.place_file(&to, filed).unwrap();
    let file = Value::Attachment(filed.attachment.clone());
    let kind = to.spec().kinds[0].name.to_owned();
    let entry =
        NewEntry { section: to, kind, fields: vec![text("title", title), ("file".into(), file)] };
    student.merge(&[entry], &[], vec![filed], day(0), rng).unwrap()[0]
}

/// The file that an entry names.
fn named(student: &mut Student, entry: EntryId) -> Attachment {
    let (_, entry) = student.find(entry).unwrap();
    entry.files().next().unwrap().clone()
}

fn read(student: &mut Student, entry: EntryId) -> Result<Vec<u8>, PartyError> {
    let file = named(student, entry);
    let mut all = Vec::new();
    for piece in student.file(&file)? {
        all.extend_from_slice(&piece?);
    }
    Ok(all)
}

fn read_at(gp: &mut Practice, of: &Student, entry: EntryId) -> Result<Vec<u8>, PartyError> {
    let (_, entry) = gp.find(of.passport(), entry)?;
    let file = entry.files().next().unwrap().clone();
    let mut all = Vec::new();
    for piece in gp.file(of.passport(), &file)? {
        all.extend_from_slice(&piece?);
    }
    Ok(all)
}

/// The streams of files that are in a journal.
fn streams<V: Vault>(journal: &Journal<V>) -> Vec<(EpochId, u64)> {
    let extents = journal.epochs().map(|id| (*id, journal.extent(id)));
    extents.filter(|(_, e)| e.file_in.is_some()).map(|(id, e)| (id, e.count)).collect()
}

/// How many envelopes of files a relay has.
fn at_relay(office: &Office) -> usize {
    let kind = |bytes: &Vec<u8>| SealedEnvelope::decode(bytes).unwrap().header().kind;
    office.envelopes.iter().filter(|bytes| kind(bytes) == Kind::Chunk).count()
}

struct Story {
    rng: ChaCha20Rng,
    office: Office,
    phone: Student,
    laptop: Student,
    gp: Practice,
}

/// Two devices, and a practice that writes in the documents.
fn story(seed: u64) -> Story {
    let mut rng = rng(seed);
    let mut office = Office::default();
    let (mut phone, _) = student(&mut rng);
    attach(&mut phone, "documents", "Before.pdf", b"before", &mut rng);
    let laptop = second_device(&mut phone, &mut office, day(0), &mut rng);
    let gp = practice("Elm Street Surgery", OrganisationKind::Gp, &mut rng);
    share(&mut phone, &gp, &["documents"], Right::Contribute, None, day(0), &mut rng);
    let mut story = Story { rng, office, phone, laptop, gp };
    story.rounds(0);
    story
}

impl Story {
    fn rounds(&mut self, now: i64) {
        for _ in 0..3 {
            self.office.sync(&mut self.phone, day(now), &mut self.rng);
            self.office.sync(&mut self.laptop, day(now), &mut self.rng);
            self.office.sync(&mut self.gp, day(now), &mut self.rng);
        }
    }

    fn attach(&mut self, title: &str, content: &[u8]) -> EntryId {
        attach(&mut self.phone, "documents", title, content, &mut self.rng)
    }
}

#[test]
fn a_file_is_byte_for_byte_the_same_wherever_its_entry_is_read() {
    let mut s = story(401);
    for len in [1, PART_BYTES - 1, PART_BYTES, PART_BYTES + 1, 3 * PART_BYTES + 7] {
        let content = bytes(len, &mut s.rng);
        let entry = s.attach("Letter.pdf", &content);
        s.rounds(0);
        assert_eq!(read(&mut s.phone, entry).unwrap(), content, "{len}");
        assert_eq!(read(&mut s.laptop, entry).unwrap(), content, "{len}");
        assert_eq!(read_at(&mut s.gp, &s.phone, entry).unwrap(), content, "{len}");
    }
}

#[test]
fn what_a_practice_attaches_reaches_the_student() {
    let mut s = story(402);
    let student = s.phone.passport();
    let content = bytes(300_000, &mut s.rng);
    let to = section("documents");
    let mut filing = s.gp.begin_file(student, &to, &mut s.rng).unwrap();
    filing.feed(&content).unwrap();
    let filed = filing.finish("Referral.pdf", "application/pdf").unwrap();
    let fields =
        [text("title", "Referral"), ("file".into(), Value::Attachment(filed.attachment.clone()))];
    let with = (&fields[..], Some(filed));
    let added =
        s.gp.contribute_with_file(student, &to, "document", with, day(0), &mut s.rng).unwrap();
    s.rounds(0);
    assert_eq!(read(&mut s.laptop, added[0].1).unwrap(), content);
}

#[test]
fn a_file_that_has_not_all_come_says_so_and_goes_on_later() {
    let mut s = story(403);
    let content = bytes(3 * PART_BYTES, &mut s.rng);
    let entry = s.attach("Scan.pdf", &content);
    s.office.sync(&mut s.phone, day(0), &mut s.rng);
    let is_chunk = |bytes: &Vec<u8>| {
        let file = SealedEnvelope::decode(bytes).unwrap();
        file.header().kind == Kind::Chunk
    };
    let at = s.office.envelopes.iter().rposition(is_chunk).unwrap();
    let withheld = s.office.envelopes.remove(at);
    s.office.sync(&mut s.laptop, day(0), &mut s.rng);
    let file = named(&mut s.laptop, entry);
    let state = s.laptop.file_state(&file);
    assert_eq!((state.here + 1, state.is_whole()), (state.of, false));
    let part = PartyError::PartOfFile { here: state.here, of: state.of };
    assert_eq!(read(&mut s.laptop, entry).unwrap_err(), part);
    s.office.envelopes.push(withheld);
    s.office.sync(&mut s.laptop, day(0), &mut s.rng);
    assert_eq!(read(&mut s.laptop, entry).unwrap(), content);
}

#[test]
fn the_same_file_is_kept_once() {
    let mut s = story(404);
    let content = bytes(300_000, &mut s.rng);
    let first = s.attach("Letter.pdf", &content);
    let before = streams(s.phone.journal());
    let second = s.attach("Copy.pdf", &content);
    assert_eq!(streams(s.phone.journal()), before);
    assert_eq!(named(&mut s.phone, second).title, "Copy.pdf");
    s.phone.remove(first, day(0), &mut s.rng).unwrap();
    s.rounds(0);
    assert_eq!(read_at(&mut s.gp, &s.phone, second).unwrap(), content);
}

#[test]
fn a_new_epoch_carries_the_value_along_and_the_file_stays() {
    let mut s = story(405);
    let content = bytes(300_000, &mut s.rng);
    let entry = s.attach("Letter.pdf", &content);
    s.rounds(0);
    let before = at_relay(&s.office);
    let mut uni = practice("Campus Medical", OrganisationKind::University, &mut s.rng);
    share(&mut s.phone, &uni, &["documents"], Right::Read, None, day(1), &mut s.rng);
    s.rounds(1);
    s.office.sync(&mut uni, day(1), &mut s.rng);
    assert_eq!(at_relay(&s.office), before, "no part is sealed anew");
    assert_eq!(read_at(&mut uni, &s.phone, entry).unwrap(), content);

    s.phone.revoke(uni.id(), &[section("documents")], day(2), &mut s.rng).unwrap();
    let later = s.attach("Later.pdf", &content[..200_000]);
    s.rounds(2);
    s.office.sync(&mut uni, day(2), &mut s.rng);
    assert_eq!(read_at(&mut uni, &s.phone, later).unwrap_err(), PartyError::NoEntry);
    assert_eq!(read_at(&mut s.gp, &s.phone, later).unwrap(), &content[..200_000]);
}

#[test]
fn whoever_has_the_key_cannot_put_anything_in_a_files_place() {
    let mut s = story(406);
    let content = bytes(2 * PART_BYTES, &mut s.rng);
    let entry = s.attach("Letter.pdf", &content);
    let file = named(&mut s.phone, entry);
    let epoch = s.phone.fold().current(&section("documents"))[0];
    let channel = s.phone.fold().epochs[&epoch].charter.channel;
    let stream = Stream::of(channel, &file.key);
    let forged = [
        Chunk::Index(vec![7; 64]),
        Chunk::Part { number: 0, content: content[PART_BYTES..].to_vec() },
        Chunk::Part { number: 1, content: vec![7; PART_BYTES] },
        Chunk::Part { number: u32::MAX, content: Vec::new() },
    ];
    for chunk in forged {
        s.office.envelopes.insert(0, stream.seal(&chunk).unwrap().encode());
    }
    // They come first, before anything of the file itself.
    s.office.sync(&mut s.laptop, day(0), &mut s.rng);
    s.office.sync(&mut s.gp, day(0), &mut s.rng);
    s.rounds(0);
    assert_eq!(read(&mut s.laptop, entry).unwrap(), content);
    assert_eq!(read_at(&mut s.gp, &s.phone, entry).unwrap(), content);
}

#[test]
fn a_value_that_names_a_file_of_another_section_takes_nothing_from_it() {
    let mut s = story(407);
    let content = bytes(300_000, &mut s.rng);
    let diary = attach(&mut s.phone, "x-diary", "Diary.pdf", &content, &mut s.rng);
    let theirs = named(&mut s.phone, diary);
    let student = s.phone.passport();
    let fields = [text("title", "Mine"), ("file".into(), Value::Attachment(theirs))];
    let to = section("documents");
    let added = s.gp.contribute(student, &to, "document", &fields, day(0), &mut s.rng).unwrap();
    s.rounds(0);
    let erasing = s.phone.erasing_entry(added[0].1, day(1)).unwrap();
    s.phone.erase(&erasing, day(1), &mut s.rng).unwrap();
    s.rounds(1);
    s.rounds(40);
    assert_eq!(read(&mut s.phone, diary).unwrap(), content);
    assert_eq!(read(&mut s.laptop, diary).unwrap(), content);
}

#[test]
fn a_moved_entry_takes_its_file_along() {
    let mut s = story(408);
    let content = bytes(300_000, &mut s.rng);
    let entry = attach(&mut s.phone, "x-diary", "Diary.pdf", &content, &mut s.rng);
    let to = section("x-shared");
    s.phone.move_entry(entry, &to, day(0), &mut s.rng).unwrap();
    share(&mut s.phone, &s.gp, &["x-shared"], Right::Read, None, day(0), &mut s.rng);
    s.rounds(0);
    assert_eq!(read_at(&mut s.gp, &s.phone, entry).unwrap(), content);
    let channels: std::collections::BTreeSet<_> =
        s.gp.epochs().values().map(|e| e.charter.channel).collect();
    let file = named(&mut s.phone, entry);
    let there = channels.iter().map(|c| Stream::of(*c, &file.key).id());
    assert_eq!(there.filter(|id| s.office.of(id) == 3).count(), 1, "in the section that is shared");
}

#[test]
fn a_section_that_gets_a_new_channel_has_its_files_there() {
    let mut s = story(409);
    let content = bytes(300_000, &mut s.rng);
    let entry = s.attach("Letter.pdf", &content);
    s.rounds(0);
    let before = at_relay(&s.office);
    let removed = s.laptop.device();
    s.phone.remove_device(removed, day(1), &mut s.rng).unwrap();
    for _ in 0..3 {
        s.office.sync(&mut s.phone, day(1), &mut s.rng);
        s.office.sync(&mut s.gp, day(1), &mut s.rng);
    }
    let epoch = s.phone.fold().current(&section("documents"))[0];
    let channel = s.phone.fold().epochs[&epoch].charter.channel;
    let stream = Stream::of(channel, &named(&mut s.phone, entry).key);
    assert_eq!(s.office.of(&stream.id()), 3, "the index and two parts");
    assert_eq!(at_relay(&s.office), 2 * before);
    assert_eq!(read_at(&mut s.gp, &s.phone, entry).unwrap(), content);
}

#[test]
fn an_erased_file_is_nowhere_and_the_others_stay() {
    let mut s = story(410);
    let (content, other) = (bytes(300_000, &mut s.rng), bytes(250_000, &mut s.rng));
    let entry = s.attach("Secret.pdf", &content);
    let stays = s.attach("Kept.pdf", &other);
    s.rounds(0);
    let file = named(&mut s.phone, entry);
    let epoch = s.phone.fold().current(&section("documents"))[0];
    let stream = Stream::of(s.phone.fold().epochs[&epoch].charter.channel, &file.key).id();
    assert_eq!(s.office.of(&stream), 3);
    let kept = s.office.envelopes.clone();

    let erasing = s.phone.erasing_entry(entry, day(1)).unwrap();
    s.phone.erase(&erasing, day(1), &mut s.rng).unwrap();
    s.rounds(1);
    assert_eq!(s.office.of(&stream), 0, "at the relay");
    assert_eq!(s.phone.journal().extent(&stream).count, 0);
    assert_eq!(s.laptop.journal().extent(&stream).count, 0);
    assert_eq!(s.gp.journal().extent(&stream).count, 0);
    assert_eq!(read(&mut s.laptop, stays).unwrap(), other);
    assert_eq!(read_at(&mut s.gp, &s.phone, stays).unwrap(), other);

    // Somebody brings the relay back what it forgot.
    s.office.envelopes.extend(kept);
    s.rounds(2);
    assert_eq!(s.office.of(&stream), 0, "it is told again");
    assert_eq!(s.laptop.journal().extent(&stream).count, 0);
}

#[test]
fn a_file_attached_beside_the_erasing_is_kept() {
    let mut s = story(411);
    let secret = s.attach("Secret.pdf", b"secret");
    s.rounds(0);
    let content = bytes(300_000, &mut s.rng);
    let beside = attach(&mut s.laptop, "documents", "Beside.pdf", &content, &mut s.rng);
    let erasing = s.phone.erasing_entry(secret, day(1)).unwrap();
    s.phone.erase(&erasing, day(1), &mut s.rng).unwrap();
    s.rounds(1);
    s.rounds(40);
    assert_eq!(read(&mut s.phone, beside).unwrap(), content);
    assert_eq!(read(&mut s.laptop, beside).unwrap(), content);
    assert_eq!(read_at(&mut s.gp, &s.phone, beside).unwrap(), content);
}

#[test]
fn a_practice_that_forgets_keeps_no_file() {
    let mut s = story(412);
    let content = bytes(300_000, &mut s.rng);
    s.attach("Letter.pdf", &content);
    s.rounds(0);
    assert!(!streams(s.gp.journal()).is_empty());
    let student = s.phone.passport();
    s.gp.forget(student, ("j.smith", "reception"), day(1), &mut s.rng).unwrap();
    assert_eq!(streams(s.gp.journal()), []);
}

#[test]
fn parts_of_files_do_not_make_an_epoch_long() {
    let mut s = story(413);
    let epoch = s.phone.fold().current(&section("documents"))[0];
    let content = bytes(20 * PART_BYTES, &mut s.rng);
    let entry = s.attach("Large.pdf", &content);
    s.rounds(0);
    assert_eq!(s.phone.fold().current(&section("documents")), [epoch]);
    assert_eq!(read(&mut s.laptop, entry).unwrap(), content);
}

#[test]
fn a_vault_opened_anew_has_the_file() {
    let mut rng = rng(414);
    let (mut phone, _) = student(&mut rng);
    let content = bytes(300_000, &mut rng);
    let entry = attach(&mut phone, "documents", "Letter.pdf", &content, &mut rng);
    let vault: MemoryVault = phone.journal().vault().clone();
    drop(phone);
    let mut again = passport_core::holder::Holder::open(vault).unwrap();
    assert_eq!(read(&mut again, entry).unwrap(), content);
}
