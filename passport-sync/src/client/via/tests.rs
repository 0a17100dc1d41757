use super::*;
use passport_core::id::VerificationKey;

fn parcels() -> Vec<Parcel> {
    let to = VerificationKey::from_bytes([4; 32]);
    vec![
        Parcel::Envelope { bytes: vec![1, 2, 3].into() },
        Parcel::Letter { letter: Letter { to, body: vec![9; 100].into() } },
    ]
}

fn both(test: impl Fn(&Via)) {
    let folder = tempfile::tempdir().unwrap();
    test(&Via::at(&folder.path().join("exchange.passport")));
    test(&Via::at(&folder.path().join("exchange/")));
}

#[test]
fn what_is_pushed_is_pulled_once_wanted() {
    both(|via| {
        assert_eq!(via.pull(&mut |_| true).unwrap(), Pulled::default());
        assert_eq!(via.push(&parcels()).unwrap(), 2);
        assert_eq!(via.push(&parcels()).unwrap(), 0);
        let mut pulled = via.pull(&mut |_| true).unwrap();
        pulled.parcels.sort_by_key(|(_, parcel)| matches!(parcel, Parcel::Letter { .. }));
        let found: Vec<_> = pulled.parcels.iter().map(|(_, parcel)| parcel.clone()).collect();
        assert_eq!(found, parcels());
        let first = parcels()[0].id();
        let rest = via.pull(&mut |id| *id != first).unwrap();
        assert_eq!(rest.parcels.len(), 1);
    });
}

#[test]
fn two_parties_add_to_the_same_place() {
    both(|via| {
        assert_eq!(via.push(&parcels()[..1]).unwrap(), 1);
        assert_eq!(via.push(&parcels()).unwrap(), 1);
        assert_eq!(via.pull(&mut |_| true).unwrap().parcels.len(), 2);
    });
}

#[test]
fn damaged_misnamed_and_foreign_files_are_skipped_and_replaced() {
    let folder = tempfile::tempdir().unwrap();
    let via = Via::at(folder.path());
    via.push(&parcels()).unwrap();
    let path = folder.path().join(format!("{}.parcel", parcels()[0].id()));
    std::fs::write(&path, b"rotten").unwrap();
    std::fs::write(folder.path().join("holiday.jpg"), b"picture").unwrap();
    let misnamed = folder.path().join(format!("{}.parcel", ObjectId::from_bytes([0; 32])));
    std::fs::write(&misnamed, codec::encode(&parcels()[1])).unwrap();
    let pulled = via.pull(&mut |_| true).unwrap();
    assert_eq!((pulled.parcels.len(), pulled.damaged), (1, 2));
    assert_eq!(via.push(&parcels()).unwrap(), 1);
    assert_eq!(via.pull(&mut |_| true).unwrap().parcels.len(), 2);
}

#[test]
fn a_file_of_someone_else_is_neither_read_nor_overwritten() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("thesis.docx");
    std::fs::write(&path, b"chapter one").unwrap();
    let via = Via::at(&path);
    assert!(matches!(via.pull(&mut |_| true), Err(ViaError::NotAnArchive)));
    assert!(matches!(via.push(&parcels()), Err(ViaError::NotAnArchive)));
    assert_eq!(std::fs::read(&path).unwrap(), b"chapter one");
}
