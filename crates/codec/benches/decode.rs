//! Every frame of family B and whole payloads of both families: the goal is a microsecond or less
//! for a frame.

use std::hint::black_box;

use codec::{Codec, encode};
use criterion::{Criterion, Throughput, criterion_group, criterion_main};

/// Frames of family B: model, id, and how long the body is.
const FRAMES: [(&str, u8, usize); 37] = [
    ("S2120", 0x01, 10),
    ("S2120", 0x02, 8),
    ("S2120", 0x03, 1),
    ("S2120", 0x04, 9),
    ("S2120", 0x05, 4),
    ("S2120", 0x06, 1),
    ("S2120", 0x10, 9),
    ("S2120", 0x4A, 10),
    ("S2120", 0x4B, 8),
    ("S2120", 0x4C, 6),
    ("S2100", 0x20, 10),
    ("S2100", 0x21, 10),
    ("S2100", 0x30, 10),
    ("S2100", 0x31, 10),
    ("S2100", 0x32, 9),
    ("S2100", 0x33, 10),
    ("S2100", 0x34, 4),
    ("S2100", 0x39, 9),
    ("S2100", 0x40, 10),
    ("S2100", 0x41, 10),
    ("S2100", 0x42, 10),
    ("S2100", 0x43, 10),
    ("S2100", 0x44, 10),
    ("S2100", 0x45, 10),
    ("S2107", 0x35, 9),
    ("S2107", 0x36, 9),
    ("S2107", 0x37, 9),
    ("S2107", 0x38, 9),
    ("S2107", 0x46, 10),
    ("S2107", 0x47, 6),
    ("S2107", 0x48, 10),
    ("S2107", 0x49, 7),
    ("S2107", 0x7F, 1),
    ("A1102", 0x30, 10),
    ("A1102", 0x31, 10),
    ("A1102", 0x32, 9),
    ("A1102", 0x33, 10),
];

fn decode(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("decode");
    let mut bench = |name: String, model: &str, payload: Vec<u8>| {
        let codec = Codec::find(model).expect("a known model");
        let f_port = codec.f_ports()[0];
        let decoded = codec.decode(f_port, &payload).expect("a whole payload");
        assert!(decoded.warnings.is_empty(), "{name}: {:?}", decoded.warnings);
        group.throughput(Throughput::Bytes(payload.len() as u64));
        group.bench_function(name, |bencher| bencher.iter(|| codec.decode(f_port, black_box(&payload))));
    };
    for (model, id, body_bytes) in FRAMES {
        // 0x11 names channel 1 wherever a channel stands.
        let frame = std::iter::once(id).chain(std::iter::repeat_n(0x11, body_bytes)).collect();
        bench(format!("{model} {id:02X}"), model, frame);
    }
    let info = encode::DeviceInfo { percent: 100, hardware: (1, 0), firmware: (1, 1), interval_min: 60 };
    bench("S2101 information".into(), "S2101", encode::family_a_info(info));
    bench("S2101 readings".into(), "S2101", encode::family_a(&[(1, 4097, 21.4), (1, 4098, 31.4)], None));
    let newer = encode::GustAndRain { gust_m_s: 3.5, rain_total_mm: 0.508 };
    let weather = encode::Weather { temperature_c: 24.1, gust_and_rain: Some(newer), ..encode::Weather::default() };
    bench("S2120 whole payload".into(), "S2120", encode::s2120(weather));
    // The longest that a message can be.
    let all: Vec<_> = (0..34_u8).map(|channel| (channel, 4097, 1.0)).collect();
    bench("Gen1 34 readings".into(), "Gen1", encode::family_a(&all, None));
    group.finish();
}

criterion_group!(benches, decode);
criterion_main!(benches);
