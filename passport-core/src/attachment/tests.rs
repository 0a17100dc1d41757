use rand_chacha::ChaCha20Rng;
use rand_core::SeedableRng as _;

use super::*;
use crate::journal::Journal;
use crate::party::{PartyError, Pieces};
use crate::vault::{Batch, MemoryVault};

const CHANNEL: ChannelId = ChannelId::from_bytes([1; 32]);

fn filing() -> Filing {
    Filing::new(CHANNEL, &mut ChaCha20Rng::seed_from_u64(9))
}

fn filed(content: &[u8]) -> Filed {
    let mut filing = filing();
    filing.feed(content).unwrap();
    filing.finish("Letter.pdf", "application/pdf").unwrap()
}

/// What comes of a file whose envelopes are these.
fn read(file: &Attachment, sealed: &[SealedEnvelope]) -> Result<Vec<u8>, PartyError> {
    let mut journal = Journal::open(MemoryVault::new()).unwrap();
    let mut batch = Batch::new();
    for envelope in sealed {
        journal.append(&mut batch, envelope, None).unwrap();
    }
    journal.commit(batch).unwrap();
    let mut all = Vec::new();
    for piece in Pieces::new(&journal, vec![Stream::of(CHANNEL, &file.key)], file)? {
        all.extend_from_slice(&piece?);
    }
    Ok(all)
}

fn content(len: usize) -> Vec<u8> {
    (0..len).map(|n| u8::try_from(n % 251).unwrap()).collect()
}

#[test]
fn a_file_is_read_in_whatever_order_its_parts_came() {
    for len in [1, 256, PART_BYTES, PART_BYTES + 1, 3 * PART_BYTES] {
        let content = content(len);
        let Filed { attachment, mut sealed } = filed(&content);
        assert_eq!(sealed.len(), parts(attachment.size) as usize + 1, "{len}");
        assert_eq!(object_of(&content), attachment.object, "{len}");
        sealed.reverse();
        assert_eq!(read(&attachment, &sealed).unwrap(), content, "{len}");
    }
}

#[test]
fn parts_are_of_one_length_when_sealed_and_tell_little_of_the_size() {
    let lengths = |len: usize| -> Vec<usize> {
        filed(&content(len)).sealed.iter().map(SealedEnvelope::len).collect()
    };
    let many = lengths(3 * PART_BYTES);
    assert_eq!(many[1], 192 * 1024 - 96, "192 KiB with tag and signature");
    assert_eq!(many[1..3], [many[1]; 2]);
    assert_eq!(lengths(2_000_001), lengths(2_000_100));
    assert_eq!(lengths(1), lengths(200));
}

#[test]
fn a_file_of_25_mib_is_kept_and_one_more_byte_is_too_many() {
    let mut filing = filing();
    let piece = vec![7; 1024 * 1024];
    for _ in 0..25 {
        filing.feed(&piece).unwrap();
    }
    assert_eq!(filing.feed(&[7]), Err(AttachmentError::TooLarge));
    let mut filing = self::filing();
    for _ in 0..25 {
        filing.feed(&piece).unwrap();
    }
    let Filed { attachment, sealed } = filing.finish("Large", "image/png").unwrap();
    assert_eq!((attachment.size, sealed.len()), (SIZE_MAX, 135));
    assert_eq!(self::filing().finish("Nothing", "text/plain").err(), Some(AttachmentError::Empty));
}

#[test]
fn a_part_that_is_missing_is_told() {
    let Filed { attachment, sealed } = filed(&content(3 * PART_BYTES));
    let of = parts(attachment.size) + 1;
    for gone in 0..sealed.len() {
        let mut some = sealed.clone();
        some.remove(gone);
        let here = if gone == 0 { 0 } else { of - 1 };
        assert_eq!(read(&attachment, &some), Err(PartyError::PartOfFile { here, of }), "{gone}");
    }
    assert_eq!(read(&attachment, &[]), Err(PartyError::PartOfFile { here: 0, of }));
}

#[test]
fn no_other_part_order_or_file_passes() {
    let content = content(2 * PART_BYTES);
    let Filed { attachment, sealed } = filed(&content);
    let stream = Stream::of(CHANNEL, &attachment.key);
    let swapped = |number: u32, of: usize| {
        let content = content[of * PART_BYTES..(of + 1) * PART_BYTES].to_vec();
        stream.seal(&Chunk::Part { number, content }).unwrap()
    };
    let of = parts(attachment.size) + 1;
    // In each other's place.
    let both = [sealed[0].clone(), swapped(0, 1), swapped(1, 0)];
    let none = Err(PartyError::PartOfFile { here: of - 2, of });
    assert_eq!(read(&attachment, &[&both[..], &sealed[3..]].concat()), none);
    // The right ones beside the wrong ones.
    let beside = [&both[1..], &sealed[..]].concat();
    assert_eq!(read(&attachment, &beside).unwrap(), content);
    // Those of another file, and of this file in another channel.
    let other = filed(&content[1..]);
    assert_eq!(read(&attachment, &other.sealed), Err(PartyError::PartOfFile { here: 0, of }));
    let elsewhere = Stream::of(ChannelId::from_bytes([2; 32]), &attachment.key);
    let opened = sealed.iter().map(|envelope| elsewhere.open(envelope));
    assert!(opened.flatten().next().is_none());
    assert!(Stream::of(CHANNEL, &FileKey::from_bytes(&[3; 32])).open(&sealed[1]).is_none());
}

#[test]
fn a_value_that_says_another_size_or_content_opens_nothing() {
    let content = content(300_000);
    let Filed { attachment, sealed } = filed(&content);
    for size in [1, attachment.size - 1, attachment.size + 1, SIZE_MAX, u64::MAX] {
        let lie = Attachment { size, ..attachment.clone() };
        assert!(matches!(read(&lie, &sealed), Err(PartyError::PartOfFile { here: 0, .. })));
    }
    let lie = Attachment { object: object_of(b"another"), ..attachment.clone() };
    assert!(matches!(read(&lie, &sealed), Err(PartyError::PartOfFile { here: 0, .. })));

    // Whoever made the file can promise what is not so, and is found out at its end.
    let stream = Stream::of(CHANNEL, &attachment.key);
    let Some(Chunk::Index(index)) = stream.open(&sealed[0]) else { panic!("no index") };
    let size = attachment.size - 1;
    let lie = Attachment { size, object: object(size, &index), ..attachment };
    assert_eq!(read(&lie, &sealed), Err(PartyError::NotTheFile));
}

#[test]
fn sealed_again_it_is_the_same_bytes() {
    let Filed { attachment, sealed } = filed(&content(300_000));
    let stream = Stream::of(CHANNEL, &attachment.key);
    for envelope in &sealed {
        let chunk = stream.open(envelope).unwrap();
        assert_eq!(stream.seal(&chunk).unwrap().encode(), envelope.encode());
    }
    assert!(sealed.iter().all(|e| e.header().epoch == stream.id() && e.header().seq == 1));
}
