//! Every fixture, and that there are enough of them.

use std::{collections::BTreeSet, fs};

use codec::Codec;

use crate::fixture;

#[test]
fn every_fixture_decodes_as_it_says() {
    let wrong: Vec<_> = fixture::all()
        .filter_map(|(codec, fixture)| {
            let difference = fixture.check(codec.decode(fixture.f_port, &fixture.payload())).err()?;
            Some(format!("{}: {difference}", codec.model()))
        })
        .collect();
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn every_codec_has_fixtures_and_every_file_a_codec() {
    let files: BTreeSet<_> = fs::read_dir(fixture::folder())
        .unwrap()
        .map(|entry| entry.unwrap().path().file_stem().unwrap().to_str().unwrap().to_owned())
        .collect();
    let codecs: BTreeSet<_> = Codec::all().iter().map(|codec| codec.model().to_lowercase()).collect();
    assert_eq!(files, codecs);
    for codec in Codec::all() {
        assert!(fixture::of(codec).iter().any(|fixture| fixture.error.is_none()), "{}", codec.model());
    }
}

/// The ids of the good frames that start a payload of these models.
fn first_ids(models: &[&str], id: impl Fn(&[u8]) -> u16) -> BTreeSet<u16> {
    fixture::all()
        .filter(|(codec, fixture)| models.contains(&codec.model()) && fixture.error.is_none())
        .map(|(_, fixture)| id(&fixture.payload()))
        .collect()
}

#[test]
fn every_data_id_of_the_records_has_a_fixture() {
    let models = ["Gen1", "S2101", "S2102", "S2103", "S2104", "S2105", "S2106", "A1101"];
    let ids = [0, 1, 2, 3, 4, 5, 6, 7, 9, 0x001F, 0x0120, 4097, 4099, 4102, 4175];
    let found = first_ids(&models, |payload| u16::from_le_bytes([payload[1], payload[2]]));
    let missing: Vec<_> = ids.into_iter().filter(|id| !found.contains(id)).collect();
    assert!(missing.is_empty(), "{missing:04X?}");
}

#[test]
fn every_frame_id_has_a_fixture() {
    let found = first_ids(&["S2120", "S2100", "S2107", "A1102"], |payload| payload[0].into());
    let ids = [0x01..=0x06, 0x10..=0x10, 0x20..=0x21, 0x30..=0x39, 0x40..=0x49, 0x4A..=0x4C, 0x7F..=0x7F];
    let missing: Vec<_> = ids.into_iter().flatten().filter(|id| !found.contains(id)).collect();
    assert!(missing.is_empty(), "{missing:04X?}");
}

#[test]
fn every_frame_id_of_the_trackers_has_a_fixture() {
    let models = ["T1000-A", "T1000-B", "T1000-C", "T1000-D", "T1000-E", "T2000", "WM1110"];
    let found = first_ids(&models, |payload| payload[0].into());
    let missing: Vec<_> = (0x01..=0x18).chain(0x1A..=0x32).filter(|id| !found.contains(id)).collect();
    assert!(missing.is_empty(), "{missing:04X?}");
}
