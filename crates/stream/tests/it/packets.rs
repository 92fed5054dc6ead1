//! Any bytes as packets, and any text as a filter.

use bytes::BytesMut;
use model::{DeviceEui, OrgId, SeriesKey};
use proptest::prelude::*;
use stream::{Filter, PrivateFilter, Topic, packet::Reader};

use crate::client::{connect, packet};

const PACKET_BYTES_MAX: usize = 4096;

/// Reads packets until there are no more or one is none; how many there were.
fn read(reader: &mut Reader, arrived: &mut BytesMut) -> usize {
    let mut count = 0;
    while let Ok(Some(_)) = reader.read(arrived) {
        count += 1;
    }
    count
}

fn first(version: u8) -> Vec<u8> {
    connect(version, "a", 2, &[], &[], ("user", "password"))
}

/// How the standards say that a filter matches a topic.
fn matches_by_text(filter: &str, topic: &str) -> bool {
    fn levels_match(filter: &[&str], topic: &[&str]) -> bool {
        match (filter, topic) {
            (["#"], _) | ([], []) => true,
            ([first, filter @ ..], [level, topic @ ..]) => {
                (first == level || *first == "+") && levels_match(filter, topic)
            }
            _ => false,
        }
    }
    let (filter, topic): (Vec<&str>, Vec<&str>) = (filter.split('/').collect(), topic.split('/').collect());
    levels_match(&filter, &topic)
}

fn level() -> impl Strategy<Value = String> {
    prop_oneof![
        4 => Just("+".to_owned()),
        2 => Just("vs".to_owned()),
        2 => Just("2CF7F12004100005".to_owned()),
        1 => Just("2cf7f12004100005".to_owned()),
        2 => Just("1".to_owned()),
        1 => Just("01".to_owned()),
        1 => Just("+1".to_owned()),
        1 => Just(String::new()),
        2 => Just("4097".to_owned()),
        2 => Just("3000".to_owned()),
        1 => "[a-z0-9]{1,4}",
    ]
}

proptest! {
    #[test]
    fn no_bytes_are_too_strange_to_be_refused(version in 4..6_u8, bytes in prop::collection::vec(any::<u8>(), 0..600)) {
        let mut arrived = BytesMut::from(&bytes[..]);
        read(&mut Reader::new(PACKET_BYTES_MAX), &mut arrived);
        let mut arrived = BytesMut::from(&[first(version), bytes].concat()[..]);
        read(&mut Reader::new(PACKET_BYTES_MAX), &mut arrived);
    }

    #[test]
    fn packets_with_any_body_are_read_or_refused(
        version in 4..6_u8,
        packets in prop::collection::vec((any::<u8>(), prop::collection::vec(0..40_u8, 0..40)), 0..8),
    ) {
        let bytes: Vec<u8> = packets.iter().flat_map(|(first, body)| packet(*first, body)).collect();
        let mut arrived = BytesMut::from(&[first(version), bytes].concat()[..]);
        read(&mut Reader::new(PACKET_BYTES_MAX), &mut arrived);
    }

    #[test]
    fn packets_are_the_same_however_they_arrive(version in 4..6_u8, cuts in prop::collection::vec(1..20_usize, 1..40)) {
        let none: &[u8] = if version == 5 { &[0] } else { &[] };
        let subscribe = packet(0x82, &[&[0, 1][..], none, &[0, 1, b'a', 1]].concat());
        let all = [first(version), subscribe, vec![0xC0, 0], vec![0x40, 2, 0, 7], vec![0xE0, 0]].concat();
        let (mut reader, mut arrived, mut count) = (Reader::new(PACKET_BYTES_MAX), BytesMut::new(), 0);
        let (mut rest, mut cuts) = (&all[..], cuts.into_iter().cycle());
        while let Some(cut) = cuts.next().filter(|_| !rest.is_empty()) {
            let (part, others) = rest.split_at(cut.min(rest.len()));
            arrived.extend_from_slice(part);
            count += read(&mut reader, &mut arrived);
            rest = others;
        }
        prop_assert_eq!((count, arrived.len()), (5, 0));
    }

    #[test]
    fn a_filter_matches_what_the_standards_say(
        statuses in any::<bool>(),
        levels in prop::collection::vec(level(), 0..6),
        is_open in any::<bool>(),
        channel in 0..3_u16,
        measurement in prop_oneof![Just(4097_u32), Just(3000), Just(4098)],
        eui in prop_oneof![Just(0x2CF7_F120_0410_0005_u64), Just(1)],
    ) {
        let org = OrgId::from_raw(919_136_109_886);
        let root = if statuses { "device_status_event" } else { "device_sensor_data" };
        let mut filter = format!("/{root}/{org}");
        for level in levels.iter().map(String::as_str).chain(is_open.then_some("#")) {
            filter = format!("{filter}/{level}");
        }
        let series = SeriesKey { channel: model::ChannelIndex(channel), measurement: model::MeasurementId(measurement) };
        let eui = DeviceEui::from_raw(eui);
        let topic = Topic { org, eui, series }.to_string();
        let is_filter = levels.iter().all(|level| level == "+" || !level.contains('+'));
        match Filter::parse(&filter, org) {
            Ok(parsed) => prop_assert_eq!(parsed.matches(eui, series), matches_by_text(&filter, &topic), "{} {}", filter, topic),
            Err(_) => prop_assert!(!is_filter, "{}", filter),
        }
        prop_assert!(Filter::parse(&filter, OrgId::from_raw(org.get() + 1)).is_err());
    }

    #[test]
    fn a_filter_of_the_private_space_matches_what_the_standards_say(
        filter in "([ab+]{0,2}/){0,4}([ab+#]|)",
        topic in "([ab]{0,2}/){0,4}[ab]{0,2}",
        is_shared in any::<bool>(),
    ) {
        let text = if is_shared { format!("$share/group/{filter}") } else { filter.clone() };
        let Ok(parsed) = PrivateFilter::parse(&text) else {
            let is_filter = !filter.is_empty() && filter.split('/').all(|level| level.len() < 2 || !level.contains('+'));
            prop_assert!(!is_filter, "{}", text);
            return Ok(());
        };
        prop_assert_eq!(parsed.is_shared(), is_shared);
        prop_assert_eq!(parsed.matches(&topic), matches_by_text(&filter, &topic), "{} {}", filter, topic);
    }

    #[test]
    fn any_text_is_a_filter_of_the_private_space_or_none(text in "[/+#$a-z0-9_]{0,40}", any_text in ".{0,20}") {
        for text in [text, any_text] {
            if let Ok(filter) = PrivateFilter::parse(&text) {
                let rest = text.strip_prefix("$share/").and_then(|rest| rest.split_once('/')).map_or(&*text, |(_, rest)| rest);
                prop_assert!(!rest.starts_with('$') && !rest.starts_with("/device_sensor_data"));
                filter.matches("a/b");
            }
        }
    }

    #[test]
    fn no_text_is_a_filter_of_anything_but_the_two_roots(text in "[/+#$a-z0-9_]{0,40}") {
        let org = OrgId::from_raw(919_136_109_886);
        prop_assert!(Filter::parse(&text, org).is_err());
    }
}

#[test]
fn memory_is_taken_for_what_has_arrived_not_for_what_is_announced() {
    let mut reader = Reader::new(256 * 1024);
    let mut arrived = BytesMut::from(&[0x10, 0xF0, 0xFF, 0x04, 0, 4][..]);
    assert_eq!(reader.read(&mut arrived), Ok(None));
    assert!(arrived.capacity() < 1024, "{}", arrived.capacity());
}

#[test]
fn what_fuzzing_starts_from_is_read_or_refused() {
    let corpus = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("../../fuzz/corpus");
    let files = |target| {
        std::fs::read_dir(corpus.join(target)).unwrap().map(|file| std::fs::read(file.unwrap().path()).unwrap())
    };
    let mut count = 0;
    for bytes in files("mqtt_packets") {
        for version in [4, 5] {
            let mut arrived = BytesMut::from(&[first(version), bytes.clone()].concat()[..]);
            count += read(&mut Reader::new(PACKET_BYTES_MAX), &mut arrived);
        }
        count += read(&mut Reader::new(PACKET_BYTES_MAX), &mut BytesMut::from(&bytes[..]));
    }
    assert!(count > 2 * files("mqtt_packets").count(), "{count}");
    let org = OrgId::from_raw(919_136_109_886);
    for lines in files("mqtt_private_filter") {
        let lines = String::from_utf8(lines).unwrap();
        let (filter, topic) = lines.trim_end().split_once('\n').unwrap();
        assert!(PrivateFilter::parse(filter).unwrap().matches(topic), "{lines}");
    }
    for rest in files("mqtt_filter") {
        let filter = format!("/device_sensor_data/{org}/{}", String::from_utf8(rest).unwrap());
        let series = model::Reading::new(1, 4097, 0.0).series;
        assert!(Filter::parse(&filter, org).unwrap().matches("2CF7F12004100005".parse().unwrap(), series), "{filter}");
    }
}
