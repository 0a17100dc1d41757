//! Holds docs/PROTOCOL.md to the program: every figure in its `vectors` blocks is made anew here,
//! and its envelope is read by [`second_reader`] from the document alone.

mod second_reader;
mod text_order;

use std::collections::BTreeMap;
use std::fmt::Write as _;

use data_encoding::HEXLOWER;
use minicbor::bytes::ByteVec;
use passport_core::access::{AccessList, Member, Rights, channel_id};
use passport_core::archive::Archive;
use passport_core::attachment::{Chunk, Index, Stream, object_of};
use passport_core::attestation::AttestedField;
use passport_core::author::Author;
use passport_core::codec;
use passport_core::domain;
use passport_core::edit::{Edit, EditBody, NamedValue, Remark, RemarkContent, entry_id, remark_id};
use passport_core::envelope::{Header, Kind, Packed, SealedEnvelope, pack, seal};
use passport_core::epoch::{Charter, Phase, PhaseKeys, SnapshotDigest, VerifiedCharter, split};
use passport_core::id::{EntryId, EnvelopeId, OrganisationId, RemarkId};
use passport_core::keys::{
    CertificateChain, DeviceCertificate, PhaseKey, ReceivingKey, RecoveryPhrase, RootKeys,
    SigningKey,
};
use passport_core::ledger::{
    channel_nonce, control_key, ledger_channel, ledger_epoch, section_channel,
};
use passport_core::section::table::{OWN, SECTIONS};
use passport_core::section::{
    Attachment, Code, FieldKind, FieldSpec, FileKey, PartialDate, Period, Quantity, SectionName,
    Value,
};
use passport_core::time::Timestamp;
use passport_sync::signature::{Target, sign};
use passport_sync::wire::{Outcome, Rejection, SyncRequest};
use rand_chacha::ChaCha20Rng;
use rand_core::SeedableRng as _;

const DOCUMENT: &str = include_str!("../../../docs/PROTOCOL.md");
const CHARTER: &str = include_str!("charter.hex");
const AT: Timestamp = Timestamp::from_seconds(1_790_000_000);

/// What the blocks marked `vectors` say, by name. A value may go on over indented lines.
fn vectors() -> BTreeMap<String, String> {
    let mut found: BTreeMap<String, String> = BTreeMap::new();
    let (mut inside, mut last) = (false, None);
    for line in DOCUMENT.lines() {
        if line.starts_with("```") {
            inside = line == "```vectors";
            continue;
        }
        if !inside {
            continue;
        }
        if let (true, Some(name)) = (line.starts_with(' '), &last) {
            let value: &mut String = found.get_mut(name).unwrap();
            value.push_str(line.trim());
        } else {
            let (name, value) =
                line.split_once(':').unwrap_or_else(|| panic!("not a name and a value: {line}"));
            let before = found.insert(name.to_owned(), value.trim().to_owned());
            assert!(before.is_none(), "docs/PROTOCOL.md has {name} twice");
            last = Some(name.to_owned());
        }
    }
    found
}

fn key(n: u8) -> SigningKey {
    SigningKey::from_seed(&[n; 32])
}

fn root() -> RootKeys {
    RecoveryPhrase::from_entropy(&[0; 32]).root_keys()
}

fn medications() -> SectionName {
    "medications".parse().unwrap()
}

fn phase_key() -> PhaseKey {
    PhaseKey::from_bytes(&[7; 32])
}

fn charter() -> VerifiedCharter {
    let root = root();
    let receiving = ReceivingKey::from_seed(&[2; 32]).public_key();
    let certificate =
        DeviceCertificate::new(root.passport(), key(2).verification_key(), receiving, AT, None);
    let charter = Charter {
        version: Charter::VERSION,
        schema: passport_core::section::SCHEMA_VERSION,
        passport: root.passport(),
        founder: CertificateChain::first(&certificate, &root.root),
        removed_devices: Vec::new(),
        channel: section_channel(&control_key(&phase_key()), &medications()),
        section: medications(),
        parents: Vec::new(),
        founded_at: AT,
        writers: Vec::new(),
        cards: Vec::new(),
        phases: vec![Phase { from: AT, commitment: phase_key().commitment() }],
        snapshot: SnapshotDigest::of(&split([], AT, 1000)),
        nonce: [8; 16],
        revocations: 0,
        height: 0,
        erases: false,
    };
    charter.sign(&key(2)).unwrap()
}

fn body() -> Vec<u8> {
    let item = NamedValue { name: "item".into(), value: Value::Code(Code::text("fluoxetine")) };
    let add = Edit::Add { nonce: [5; 16], kind: "medication".into(), fields: vec![item] };
    codec::encode(&EditBody { at: AT, chain: None, edits: vec![add], carries: None })
}

fn envelope() -> SealedEnvelope {
    let header = Header {
        version: 1,
        suite: 1,
        channel: section_channel(&control_key(&phase_key()), &medications()),
        epoch: charter().id(),
        phase: 0,
        author: key(2).verification_key(),
        seq: 2,
        prev: Some(EnvelopeId::from_bytes([3; 32])),
        deps: vec![EnvelopeId::from_bytes([4; 32])],
        kind: Kind::Edits,
    };
    let mut rng = ChaCha20Rng::from_seed([9; 32]);
    seal(&header, body(), &phase_key(), &key(2), &mut rng).unwrap()
}

type Made = Vec<(&'static str, String)>;

fn hex(bytes: &[u8]) -> String {
    HEXLOWER.encode(bytes)
}

macro_rules! cbor {
    ($value:expr) => {
        hex(&codec::encode($value))
    };
}

fn hashes_and_keys() -> Made {
    let root = root();
    let control = control_key(&phase_key());
    let nonce = channel_nonce(&control, "medications");
    let key7 = phase_key();
    let author = key(2).verification_key();
    let card_key = key(1).verification_key();
    vec![
        ("hash entry (ab, c)", hex(&domain::ENTRY.hash(&[b"ab", b"c"]))),
        ("message wrap (abc)", hex(&domain::WRAP.message(b"abc"))),
        ("passport", root.passport().to_string()),
        ("root key", root.root.verification_key().to_string()),
        ("control key", control.verification_key().to_string()),
        ("locator key", root.locator.verification_key().to_string()),
        ("channel nonce medications", hex(&nonce)),
        ("channel medications", channel_id(&control.verification_key(), &nonce).to_string()),
        ("channel ledger", ledger_channel(&control).to_string()),
        ("ledger epoch", ledger_epoch(&root.passport(), &key7).to_string()),
        ("organisation", OrganisationId::of_card_key(&card_key).to_string()),
        ("entry id", entry_id(&author, &[5; 16]).to_string()),
        ("remark id", remark_id(&author, &[5; 16]).to_string()),
        ("phase commitment", hex(&key7.commitment())),
        ("body seal key", hex(&*key7.derive(domain::BODY_SEAL))),
        ("body tag key", hex(&*key7.derive(domain::BODY_TAG))),
        ("charter id", charter().id().to_string()),
        ("envelope header", hex(&codec::encode(envelope().header()))),
        ("envelope body", hex(&body())),
        ("envelope", hex(&envelope().encode())),
        ("envelope id", envelope().id().to_string()),
        ("archive key", hex(archive().key().as_bytes())),
        ("archive", archive().id().to_string()),
        ("pack content", cbor!(&pack_content())),
        ("pack", hex(run().body())),
        ("packed and sealed", packed_and_sealed().id().to_string()),
        ("packed in place", run().seal(&phase_key(), &key(2)).unwrap().id().to_string()),
        ("file value", cbor!(&Value::Attachment(file()))),
        ("file stream", file_stream().id().to_string()),
        ("file index sealed", hex(&file_stream().seal(&file_chunks()[0]).unwrap().encode())),
        ("file part sealed", hex(&file_stream().seal(&file_chunks()[1]).unwrap().encode())),
    ]
}

fn file() -> Attachment {
    Attachment {
        object: object_of(b"hello"),
        media_type: "text/plain".into(),
        title: "hello.txt".into(),
        size: 5,
        key: FileKey::from_bytes(&[7; 32]),
    }
}

fn file_stream() -> Stream {
    Stream::of(charter().channel, &file().key)
}

fn file_chunks() -> [Chunk; 2] {
    let mut content = b"hello".to_vec();
    content.resize(256, 0);
    let index = domain::ATTACHMENT_PART.hash(&[&content]).to_vec();
    assert!(Index::of(&file(), &index).unwrap().admits(0, &content));
    [Chunk::Index(index), Chunk::Part { number: 0, content }]
}

fn archive() -> Archive {
    Archive::of(&charter(), &PhaseKeys::from([(0, phase_key())])).unwrap()
}

type PackContent = (Vec<(Vec<EnvelopeId>, u32)>, ByteVec, ByteVec);

fn pack_content() -> PackContent {
    let len = u32::try_from(body().len()).unwrap();
    (vec![(envelope().header().deps.clone(), len)], body().into(), Vec::new().into())
}

fn packed_and_sealed() -> SealedEnvelope {
    let opened = envelope().verify().unwrap().open(&phase_key()).unwrap();
    archive().seal(charter().channel, [opened]).unwrap().pop().unwrap()
}

fn run() -> Packed {
    let opened = envelope().verify().unwrap().open(&phase_key()).unwrap();
    pack([opened]).pop().unwrap()
}

fn encodings() -> Made {
    let entry = EntryId::from_bytes([1; 16]);
    let quantity = Quantity { value: "20".into(), unit: Some("mg".into()), code: None };
    let date: PartialDate = "2026-10".parse().unwrap();
    let member =
        Member { key: key(2).verification_key(), can: Rights::Read, until: None, history: false };
    let remark = Remark {
        id: RemarkId::from_bytes([2; 16]),
        entry,
        author: Author::Holder,
        at: AT,
        content: RemarkContent::Note("hi".into()),
        proof: None,
    };
    let field = |salt| AttestedField { name: "dose".into(), commitment: [1; 32], salt };
    let set = |value| Edit::Set { entry, field: "dose".into(), value };
    let empty = EditBody { at: AT, chain: None, edits: Vec::new(), carries: None };
    let carrying = EditBody { carries: Some(EnvelopeId::from_bytes([3; 32])), ..empty.clone() };
    let list = AccessList::new(key(2).verification_key(), [0; 16], 1, None, [], [member]);
    vec![
        ("author holder", cbor!(&Author::Holder)),
        ("author organisation", cbor!(&Author::Organisation(OrganisationId::from_bytes([1; 32])))),
        ("right read-write", cbor!(&Rights::ReadWrite)),
        ("time", cbor!(&AT)),
        ("value text", cbor!(&Value::Text("a".into()))),
        ("value code, words alone", cbor!(&Value::Code(Code::text("a")))),
        (
            "value code, system alone",
            cbor!(&Value::Code(Code { system: Some("a".into()), ..Code::default() })),
        ),
        ("value quantity", cbor!(&Value::Quantity(quantity))),
        (
            "value period, no end",
            cbor!(&Value::Period(Period { start: Some(date.clone()), end: None })),
        ),
        ("value period, no start", cbor!(&Value::Period(Period { start: None, end: Some(date) }))),
        ("value yes", cbor!(&Value::Boolean(true))),
        ("edit set", cbor!(&set(Some(Value::Text("a".into()))))),
        ("edit clear", cbor!(&set(None))),
        ("edit remove", cbor!(&Edit::Remove { entry })),
        ("edit remark", cbor!(&Edit::Remark(remark))),
        ("edit body, nothing in it", cbor!(&empty)),
        ("edit body, carrying", cbor!(&carrying)),
        ("attested field", cbor!(&field(Some([2; 16])))),
        ("attested field, withheld", cbor!(&field(None))),
        (
            "suggestion to clear",
            cbor!(&RemarkContent::Suggestion { field: "dose".into(), value: None }),
        ),
        ("member", cbor!(&member)),
        ("access list, the first", cbor!(&list)),
        ("outcome stored", cbor!(&Outcome::Stored)),
        ("outcome rejected", cbor!(&Outcome::from(Rejection::NotPermitted))),
        ("sync request, empty", cbor!(&SyncRequest::default())),
    ]
}

fn http() -> Made {
    let target = Target { method: "POST", authority: "relay.example", path: "/v1/sync" };
    let headers = sign(&target, b"", &key(2), AT, &[6; 16]);
    vec![
        ("content-digest", headers.content_digest),
        ("signature-input", headers.signature_input),
        ("signature", headers.signature),
    ]
}

#[test]
fn the_figures_of_the_document_are_the_programs() {
    let mut documented = vectors();
    let mut wrong = String::new();
    for (name, made) in [hashes_and_keys(), encodings(), http()].concat() {
        if documented.remove(name).as_ref() != Some(&made) {
            writeln!(wrong, "{name}: {made}").unwrap();
        }
    }
    assert!(wrong.is_empty(), "docs/PROTOCOL.md should say:\n{wrong}");
    assert!(documented.is_empty(), "docs/PROTOCOL.md has more: {:?}", documented.keys());
}

#[test]
fn the_charter_keeps_its_bytes() {
    let made = hex(&codec::encode(charter().signed()));
    let kept: String = CHARTER.split_whitespace().collect();
    assert!(made == kept, "charter.hex should hold\n{made}");
}

/// Lines of a source file as `name = value`, by a marker that both have around them.
fn assigned<'a>(source: &'a str, end: &str) -> Vec<(&'a str, &'a str)> {
    let lines = source.lines().filter_map(|line| line.trim().strip_suffix(end));
    lines.filter_map(|line| line.split_once(" = ")).collect()
}

#[test]
fn the_document_has_every_domain_tag_once() {
    let source = include_str!("../../../passport-core/src/domain.rs");
    let mut tags: Vec<&str> =
        assigned(source, "\";").into_iter().filter_map(|(_, tag)| tag.strip_prefix('"')).collect();
    assert!(tags.len() > 40, "{tags:?}");
    let (_, section) = DOCUMENT.split_once("### 1.2 ").unwrap();
    let (section, _) = section.split_once("### 1.3 ").unwrap();
    let rows = section.lines().filter_map(|line| line.strip_prefix("| `")?.split_once('`'));
    let mut documented: Vec<&str> = rows.map(|(tag, _)| tag).collect();
    tags.sort_unstable();
    documented.sort_unstable();
    assert_eq!(tags, documented);
}

#[test]
fn the_document_has_every_refusal_and_rejection() {
    let source = include_str!("../../../passport-core/src/replica/refusal.rs");
    let refusals = assigned(source, ",");
    assert!(refusals.len() > 20, "{refusals:?}");
    for (name, number) in &refusals {
        assert!(DOCUMENT.contains(&format!("| {number} | `{name}` |")), "{number} {name}");
    }
    let (_, table) = DOCUMENT.split_once("| code | rejection | status |\n|---|---|---|\n").unwrap();
    let rows = table.lines().take_while(|line| line.starts_with('|')).count();
    let codes = (1..=u16::MAX).take_while(|code| Rejection::from_code(*code).is_some()).count();
    assert_eq!(rows, codes);
}

/// The table of sections as the document has it.
fn section_table() -> String {
    let mut text = String::new();
    for spec in SECTIONS.iter().chain([&OWN]) {
        let also = match (spec.collaborative, spec.shareable) {
            (true, _) => " (collaborative)",
            (false, false) => " (never shared)",
            (false, true) => "",
        };
        let name = if core::ptr::eq(spec, &raw const OWN) { "x-…" } else { spec.name };
        writeln!(text, "\n**`{name}`**{also}\n").unwrap();
        for kind in spec.kinds {
            let fields: Vec<String> = kind.fields.iter().map(field_line).collect();
            writeln!(text, "- `{}`: {}", kind.name, fields.join(", ")).unwrap();
        }
    }
    text.push('\n');
    text
}

fn field_line(field: &FieldSpec) -> String {
    let required = if field.required { "!" } else { "" };
    let kind = match field.kind {
        FieldKind::Choice(choices) => {
            choices.iter().map(|c| c.name).collect::<Vec<_>>().join("\\|")
        }
        FieldKind::Text
        | FieldKind::Prose
        | FieldKind::Code
        | FieldKind::Date
        | FieldKind::Period
        | FieldKind::Quantity
        | FieldKind::Boolean
        | FieldKind::Entry
        | FieldKind::Attachment
        | FieldKind::Source => format!("{:?}", field.kind).to_lowercase(),
    };
    format!("{}{required} {kind}", field.name)
}

#[test]
fn the_document_has_the_section_table() {
    let (_, after) = DOCUMENT.split_once("<!-- table: begin -->\n").unwrap();
    let (block, _) = after.split_once("<!-- table: end -->").unwrap();
    let wanted = section_table();
    assert!(block == wanted, "docs/PROTOCOL.md should have between its marks:\n{wanted}");
}

#[test]
fn padding_is_as_the_document_says() {
    for len in (0..5000).chain([65_535, 65_536, 65_537, 200_000, 225_281]) {
        assert_eq!(second_reader::padded(len), passport_core::envelope::padme(len), "{len}");
    }
}
