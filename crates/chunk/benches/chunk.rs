//! Bytes and nanoseconds a point, on the synthetic fleet.

mod fleet;

use std::hint::black_box;

use chunk::{Chunk, Column, OpenRows, seal};
use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use model::{Row, SeriesKey};

/// One device in every so many is sealed; the others only take positions.
const SAMPLED: usize = 40;

fn points(devices: &[Vec<Row>]) -> u64 {
    devices.iter().flatten().map(|row| row.readings.len() as u64).sum()
}

/// The fleet in pieces of `rows` rows.
fn pieces(devices: &[Vec<Row>], rows: usize) -> Vec<Vec<Row>> {
    devices.iter().flat_map(|device| device.chunks_exact(rows).map(<[Row]>::to_vec)).collect()
}

fn chunks(criterion: &mut Criterion, name: &str, devices: &[Vec<Row>], rows: usize) {
    let pieces = pieces(devices, rows);
    let sealed: Vec<_> = pieces.iter().map(|rows| seal(rows)).collect();
    let bytes: usize = sealed.iter().map(Vec::len).sum();
    println!("{name}: {:.3} B/point in {} chunks", bytes as f64 / points(&pieces) as f64, sealed.len());

    let mut group = criterion.benchmark_group(name);
    group.throughput(Throughput::Elements(points(&pieces)));
    group.bench_function("seal", |bencher| bencher.iter(|| pieces.iter().map(|rows| seal(rows).len()).sum::<usize>()));
    group.bench_function("rows", |bencher| {
        bencher.iter(|| {
            for bytes in &sealed {
                black_box(Chunk::open(bytes).and_then(|chunk| chunk.rows()).ok());
            }
        });
    });
    group.throughput(Throughput::Elements(pieces.len() as u64));
    group.bench_function("open", |bencher| {
        bencher.iter(|| sealed.iter().for_each(|bytes| drop(black_box(Chunk::open(bytes)))));
    });

    let opened: Vec<_> = sealed.iter().filter_map(|bytes| Chunk::open(bytes).ok()).collect();
    let (mut times, mut column) = (Vec::new(), Column::new());
    group.throughput(Throughput::Elements((pieces.len() * rows) as u64));
    group.bench_function("times", |bencher| {
        bencher.iter(|| opened.iter().for_each(|chunk| chunk.times(black_box(&mut times)).unwrap_or_default()));
    });
    // Every series once, so that a figure is the mean over all.
    let keys: Vec<SeriesKey> = opened[0].series().collect();
    group.throughput(Throughput::Elements((pieces.len() * rows * keys.len()) as u64));
    group.bench_function("times and a column", |bencher| {
        bencher.iter(|| {
            for (chunk, key) in opened.iter().flat_map(|chunk| keys.iter().map(move |key| (chunk, *key))) {
                black_box(chunk.times(black_box(&mut times)).is_ok());
                black_box(chunk.column(key, black_box(&mut column)).is_ok());
            }
        });
    });
    group.finish();
}

fn open_rows(criterion: &mut Criterion, devices: &[Vec<Row>]) {
    let mut pieces = pieces(devices, 288);
    // As they arrive, not as they are sealed.
    pieces.iter_mut().for_each(|rows| rows.sort_by_key(|row| row.position));
    let filled = |rows: &Vec<Row>| {
        let mut open = OpenRows::new();
        rows.iter().for_each(|row| open.push(row));
        open
    };
    for rows in [36, 144, 288] {
        let open: Vec<_> = pieces.iter().map(|piece| filled(&piece[..rows].to_vec())).collect();
        let held: usize = open.iter().map(|open| open.bytes() + size_of::<OpenRows>()).sum();
        println!("{rows} open rows: {:.3} B/point held", held as f64 / (open.len() * rows * 8) as f64);
    }
    let open: Vec<_> = pieces.iter().map(filled).collect();
    let encoded: Vec<_> = open.iter().map(OpenRows::encode).collect();
    let bytes: usize = encoded.iter().map(Vec::len).sum();
    println!("checkpoint: {:.3} B/point", bytes as f64 / points(&pieces) as f64);

    let mut group = criterion.benchmark_group("open rows");
    group.throughput(Throughput::Elements(points(&pieces)));
    group
        .bench_function("push", |bencher| bencher.iter(|| pieces.iter().map(|rows| filled(rows).len()).sum::<usize>()));
    group.bench_function("rows", |bencher| bencher.iter(|| open.iter().map(|open| open.rows().len()).sum::<usize>()));
    group.bench_function("decode", |bencher| {
        bencher.iter(|| encoded.iter().for_each(|bytes| drop(black_box(OpenRows::decode(bytes)))));
    });
    group.throughput(Throughput::Elements((pieces.len() * 288) as u64));
    group.bench_function("one series", |bencher| {
        let key = pieces[0][0].readings[3].series;
        let (mut times, mut columns) = (Vec::new(), Vec::new());
        bencher.iter(|| {
            let mut sum = 0.0;
            for open in &open {
                assert!(open.columns(|series| series == key, &mut times, &mut columns));
                let numbers = columns.iter().filter_map(|(_, column)| column.numbers());
                sum += numbers.flatten().sum::<f64>();
            }
            sum
        });
    });
    group.finish();
}

fn all(criterion: &mut Criterion) {
    let devices = fleet::rows(4_100, SAMPLED);
    chunks(criterion, "288 rows", &devices[..8], 288);
    chunks(criterion, "4032 rows", &devices, 4_032);
    open_rows(criterion, &devices[..8]);
}

criterion_group! {
    name = benches;
    config = Criterion::default().sample_size(10).without_plots()
        .warm_up_time(std::time::Duration::from_millis(300)).measurement_time(std::time::Duration::from_secs(1));
    targets = all
}
criterion_main!(benches);
