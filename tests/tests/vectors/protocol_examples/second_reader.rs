//! A second reader: opens the document's envelope and checks its charter with nothing but
//! primitives and what docs/PROTOCOL.md says. No type or function of the program is used.

use std::io::Read as _;

use chacha20poly1305::aead::{Aead as _, KeyInit as _, Payload};
use chacha20poly1305::{XChaCha20Poly1305, XNonce};
use data_encoding::HEXLOWER;
use ed25519_dalek::{Signature, SigningKey, VerifyingKey};

use super::{CHARTER, vectors};

/// What §1.1 allows.
#[derive(Clone, Debug, PartialEq)]
enum Item {
    Uint(u64),
    Negative(u64),
    Bytes(Vec<u8>),
    Text(String),
    Array(Vec<Item>),
    Bool(bool),
    Null,
}

use Item::{Array, Bytes, Null, Text, Uint};

struct Reader<'a>(&'a [u8]);

impl Reader<'_> {
    fn take(&mut self, len: u64) -> Vec<u8> {
        let (taken, rest) = self.0.split_at(usize::try_from(len).unwrap());
        self.0 = rest;
        taken.to_vec()
    }

    fn number(&mut self, small: u8) -> u64 {
        let (len, least) = match small {
            0..=23 => return small.into(),
            24 => (1, 24),
            25 => (2, 1 << 8),
            26 => (4, 1 << 16),
            27 => (8, 1 << 32),
            _ => panic!("indefinite or reserved"),
        };
        let number = self.take(len).iter().fold(0, |n, b| (n << 8) | u64::from(*b));
        assert!(number >= least, "not the shortest form");
        number
    }

    fn item(&mut self) -> Item {
        let first = self.take(1)[0];
        match (first >> 5, first & 31) {
            (0, small) => Uint(self.number(small)),
            (1, small) => Item::Negative(self.number(small)),
            (2, small) => {
                let len = self.number(small);
                Bytes(self.take(len))
            }
            (3, small) => {
                let len = self.number(small);
                Text(String::from_utf8(self.take(len)).unwrap())
            }
            (4, small) => {
                let len = self.number(small);
                Array((0..len).map(|_| self.item()).collect())
            }
            (7, 20 | 21) => Item::Bool(first == 0xf5),
            (7, 22) => Null,
            _ => panic!("neither allowed nor known: {first:02x}"),
        }
    }
}

fn read(bytes: &[u8]) -> Vec<Item> {
    let mut reader = Reader(bytes);
    let Array(items) = reader.item() else { panic!("not a structure") };
    assert!(reader.0.is_empty(), "something follows");
    items
}

fn bytes(item: &Item) -> &[u8] {
    let Bytes(bytes) = item else { panic!("not bytes: {item:?}") };
    bytes
}

/// H of §1.3.
fn hash(purpose: &str, parts: &[&[u8]]) -> [u8; 32] {
    let mut hasher = blake3::Hasher::new_derive_key(&format!("student-passport v1 {purpose}"));
    for part in parts {
        hasher.update(&u64::try_from(part.len()).unwrap().to_le_bytes()).update(part);
    }
    *hasher.finalize().as_bytes()
}

/// Strict verification under a tag, §1.3 and §2.
fn verify(key: &Item, purpose: &str, payload: &[u8], signature: &Item) {
    let tag = format!("student-passport v1 {purpose}");
    let message = [&[u8::try_from(tag.len()).unwrap()], tag.as_bytes(), payload].concat();
    let key = VerifyingKey::from_bytes(bytes(key).try_into().unwrap()).unwrap();
    let signature = Signature::from_slice(bytes(signature)).unwrap();
    key.verify_strict(&message, &signature).unwrap();
}

/// Padmé, §7 step 2.
pub(super) fn padme(len: usize) -> usize {
    if len <= 256 {
        return 256;
    }
    let log = |n: usize| (0..usize::BITS).take_while(|e| n >> e > 0).last().unwrap() as usize;
    let step = 1 << (log(len) - log(log(len)) - 1);
    len.div_ceil(step) * step
}

/// What a body is padded to, §7 step 2.
pub(super) fn padded(len: usize) -> usize {
    padme(len + 112).div_ceil(64) * 64 - 112
}

fn documented(name: &str) -> Vec<u8> {
    HEXLOWER.decode(vectors()[name].as_bytes()).unwrap()
}

/// Opens an envelope, §7.
fn body_of(sealed: &[Item], phase_key: &[u8; 32]) -> Vec<Item> {
    let [header, tag, nonce, ciphertext, _] = sealed else { panic!("{sealed:?}") };
    let derived =
        |purpose| blake3::derive_key(&format!("student-passport v1 {purpose}"), phase_key);
    let cipher = XChaCha20Poly1305::new((&derived("body seal")).into());
    let nonce: [u8; 24] = bytes(nonce).try_into().unwrap();
    let payload = Payload { msg: bytes(ciphertext), aad: bytes(header) };
    let plain = cipher.decrypt(&XNonce::from(nonce), payload).unwrap();

    let mut committed = blake3::Hasher::new_keyed(&derived("body tag"));
    committed.update(&u64::try_from(bytes(header).len()).unwrap().to_le_bytes());
    committed.update(bytes(header)).update(&plain);
    assert_eq!(committed.finalize().as_bytes(), bytes(tag));
    let end = plain.iter().rposition(|byte| *byte != 0).unwrap();
    assert_eq!((plain[end], plain.len()), (0x80, padded(end + 1)));
    read(&plain[..end])
}

#[test]
fn the_file_opens_by_the_document_alone() {
    let value = read(&documented("file value"));
    let [kind, file] = &value[..] else { panic!("{value:?}") };
    let Array(file) = file else { panic!("{file:?}") };
    let [object, _, _, size, key] = &file[..] else { panic!("{file:?}") };
    assert_eq!((kind, size), (&Uint(9), &Uint(5)));
    let key: [u8; 32] = bytes(key).try_into().unwrap();

    let channel = documented("channel medications");
    let commitment = hash("phase commitment", &[&key]);
    let stream = hash("attachment stream", &[&channel, &commitment]);
    assert_eq!(stream.to_vec(), documented("file stream"));
    let derive = |purpose: &str| {
        SigningKey::from_bytes(&blake3::derive_key(&format!("student-passport v1 {purpose}"), &key))
    };
    let author = derive("attachment author").verifying_key();
    let bodies = ["file index sealed", "file part sealed"].map(|name| {
        let sealed = read(&documented(name));
        let header = read(bytes(&sealed[0]));
        let said = [&header[2], &header[3], &header[5]].map(bytes);
        assert_eq!(said, [&channel[..], &stream, author.as_bytes()]);
        assert_eq!([&header[4], &header[6], &header[9]], [0, 1, 4].map(Uint).each_ref());
        assert_eq!((&header[7], &header[8]), (&Null, &Array(Vec::new())));
        let id = hash("envelope", &[bytes(&sealed[0]), bytes(&sealed[1])]);
        verify(&header[5], "envelope", &id, &sealed[4]);
        body_of(&sealed, &key)
    });
    let [index, part] = &bodies;
    assert_eq!((&index[0], &part[..2]), (&Uint(0), &[1, 0].map(Uint)[..]));
    let content = bytes(&part[2]);
    assert_eq!(bytes(&index[1]), hash("attachment part", &[content]));
    let size = 5_u64.to_le_bytes();
    assert_eq!(bytes(object), hash("attachment", &[&size, bytes(&index[1])]));
    assert_eq!((&content[..5], content.len()), (&b"hello"[..], padme(5)));
    assert!(content[5..].iter().all(|byte| *byte == 0));
}

#[test]
fn the_envelope_opens_by_the_document_alone() {
    let phase_key = [7; 32];
    let sealed = read(&documented("envelope"));
    let [header, tag, _, _, signature] = &sealed[..] else { panic!("{sealed:?}") };

    let fields = read(bytes(header));
    let [version, suite, channel, epoch, phase, author, seq, prev, deps, kind] = &fields[..] else {
        panic!("{fields:?}")
    };
    assert_eq!([version, suite, phase, seq, kind], [1, 1, 0, 2, 0].map(Uint).each_ref());
    assert_eq!(bytes(channel), documented("channel medications"));
    assert_eq!(bytes(epoch), documented("charter id"));
    assert_eq!((bytes(prev), deps), (&[3; 32][..], &Array(vec![Bytes(vec![4; 32])])));
    let device = SigningKey::from_bytes(&[2; 32]).verifying_key();
    assert_eq!(bytes(author), device.as_bytes());

    let id = hash("envelope", &[bytes(header), bytes(tag)]);
    assert_eq!(id.to_vec(), documented("envelope id"));
    verify(author, "envelope", &id, signature);

    let body = body_of(&sealed, &phase_key);
    let text = |text: &str| Text(text.to_owned());
    let words = Array(vec![Null, Null, Null, text("fluoxetine")]);
    let field = Array(vec![text("item"), Array(vec![Uint(2), words])]);
    let add = [Uint(0), Bytes(vec![5; 16]), text("medication"), Array(vec![field])];
    assert_eq!(body, [Uint(1_790_000_000), Null, Array(vec![Array(add.to_vec())])]);
}

#[test]
fn the_pack_holds_the_envelope_by_the_document_alone() {
    let key = hash("archive key", &[&[7; 32]]);
    assert_eq!(key.to_vec(), documented("archive key"));
    let epoch = documented("charter id");
    let archive = hash("archive", &[&epoch, &hash("phase commitment", &[&key])]);
    assert_eq!(archive.to_vec(), documented("archive"));

    let pack = read(&documented("pack"));
    let [of, author, phase, kind, first, prev, inflated, content, signature] = &pack[..] else {
        panic!("{pack:?}")
    };
    let device = SigningKey::from_bytes(&[2; 32]).verifying_key();
    assert_eq!((bytes(of), bytes(author)), (&epoch[..], &device.as_bytes()[..]));
    assert_eq!([phase, kind, first], [0, 0, 2].map(Uint).each_ref());
    assert_eq!(bytes(prev), [3; 32]);
    let mut inflated_to = Vec::new();
    flate2::read::DeflateDecoder::new(bytes(content)).read_to_end(&mut inflated_to).unwrap();
    assert_eq!(inflated_to, documented("pack content"));
    assert_eq!(*inflated, Uint(inflated_to.len() as u64));
    let [Array(items), plain, text] = &read(&inflated_to)[..] else { panic!("no content") };
    let body = documented("envelope body");
    let deps = Array(vec![Bytes(vec![4; 32])]);
    assert_eq!(items[..], [Array(vec![deps, Uint(body.len() as u64)])]);
    // No long text, and one number of four bytes, the first: it is its own difference from 0.
    assert_eq!((bytes(plain), bytes(text)), (&body[..], &[][..]));
    assert_eq!(bytes(signature), bytes(&read(&documented("envelope"))[4]));
}

#[test]
fn the_charter_and_its_founder_verify_by_the_document_alone() {
    let kept: String = CHARTER.split_whitespace().collect();
    let whole = read(&HEXLOWER.decode(kept.as_bytes()).unwrap());
    let [payload, signer, signature] = &whole[..] else { panic!("{whole:?}") };
    verify(signer, "charter", bytes(payload), signature);
    assert_eq!(hash("charter", &[bytes(payload)]).to_vec(), documented("charter id"));

    let charter = read(bytes(payload));
    assert_eq!(charter.len(), 17);
    let passport = bytes(&charter[2]);
    let Array(chain) = &charter[3] else { panic!("no chain") };
    let [Array(certificates), Array(successions)] = &chain[..] else { panic!("{chain:?}") };
    let [Array(first)] = &certificates[..] else { panic!("not one certificate") };
    assert!(successions.is_empty());
    verify(&first[1], "device certificate", bytes(&first[0]), &first[2]);
    assert_eq!(hash("passport", &[bytes(&first[1])]), *passport);
    let certificate = read(bytes(&first[0]));
    assert_eq!(certificate.len(), 5, "no end, so none is written");
    assert_eq!((&certificate[1], &certificate[2]), (&charter[2], signer));

    let control = SigningKey::from_bytes(&hash("control key", &[&[7; 32]]));
    let nonce = hash("channel nonce", &[control.as_bytes(), b"medications"]);
    let channel = hash("channel", &[control.verifying_key().as_bytes(), &nonce[..16]]);
    assert_eq!(bytes(&charter[5]), channel);
    assert_eq!(charter[6], Text("medications".to_owned()));
    let Array(phases) = &charter[11] else { panic!("no phases") };
    let commitment = Bytes(hash("phase commitment", &[&[7; 32]]).to_vec());
    assert_eq!(phases[..], [Array(vec![Uint(1_790_000_000), commitment])]);
    let empty = [&[0x83, 0x00, 0x1a][..], &1_790_000_000_u32.to_be_bytes(), &[0x40]].concat();
    assert_eq!(charter[12], Array(vec![Bytes(hash("snapshot", &[&empty]).to_vec())]));
}

#[test]
fn the_second_reader_refuses_what_the_document_refuses() {
    for bad in ["1807", "9f00ff", "a0", "c100", "fb0000000000000000", "f7", "82f6"] {
        let bytes = HEXLOWER.decode(bad.as_bytes()).unwrap();
        let refused = std::panic::catch_unwind(|| Reader(&bytes).item()).is_err();
        assert!(refused, "{bad}");
    }
    assert_eq!(Reader(&[0x20]).item(), Item::Negative(0));
    assert_eq!(Reader(&[0xf4]).item(), Item::Bool(false));
}
