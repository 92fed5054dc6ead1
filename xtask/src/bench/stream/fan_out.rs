use std::{
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering::Relaxed},
    },
    time::{Duration, Instant},
};

use anyhow::{Context, ensure};
use tokio::{task::JoinSet, time::sleep};

use super::Side;
use crate::bench::{
    machine::{Disk, cpu_time, load},
    mqtt::{self, Client},
    report::{Samples, number},
};

/// Messages that are published before their deliveries are waited for.
const BURST: u64 = 50;
/// Bytes of a message.
const BODY: &[u8] = &[b'x'; 100];

/// Of one row: deliveries a second, and CPU µs of one.
#[derive(Default)]
struct Row {
    per_second: Samples,
    cpu_us: Samples,
}

/// Prints what a message to so many subscribers costs, ours and the peers' in turn.
pub(super) async fn run(
    sides: &[Side],
    rounds: usize,
    deliveries: u64,
    disk: &mut Disk,
    syncs: &mut Samples,
) -> anyhow::Result<()> {
    let shapes: Vec<(u8, usize)> =
        [0, 1].into_iter().flat_map(|qos| [1, 10, 100, 1_000].map(|count| (qos, count))).collect();
    let mut rows: Vec<Vec<Row>> =
        shapes.iter().map(|_| std::iter::repeat_with(Row::default).take(sides.len()).collect()).collect();
    for round in 1..=rounds {
        for _ in 0..100 {
            syncs.extend([disk.sync()?]);
        }
        for ((qos, count), row) in shapes.iter().zip(&mut rows) {
            for (side, row) in sides.iter().zip(row) {
                let (per_second, cpu_us) = fan_out(side, *qos, *count, deliveries)
                    .await
                    .with_context(|| format!("{}, QoS {qos}, {count} subscribers", side.name))?;
                row.per_second.add(per_second);
                row.cpu_us.add(cpu_us);
            }
        }
        println!("round {round}: fdatasync of 4 KiB p50 {:.0} µs; load {:.2}", syncs.median(), load()?);
    }
    let names: String = sides.iter().map(|side| format!(" {} | CPU µs each |", side.name)).collect();
    println!("\n| fan-out |{names}\n|---|{}", "---|---|".repeat(sides.len()));
    for ((qos, count), row) in shapes.iter().zip(&rows) {
        let of =
            |row: &Row| format!(" {} k/s | {} |", number(row.per_second.median() / 1e3), number(row.cpu_us.median()));
        println!("| QoS {qos}, {count} subscribers |{}", row.iter().map(of).collect::<String>());
    }
    Ok(())
}

/// Publishes in bursts, each delivered to everybody before the next.
async fn fan_out(side: &Side, qos: u8, subscribers: usize, deliveries: u64) -> anyhow::Result<(f64, f64)> {
    let delivered = Arc::new(AtomicU64::new(0));
    let mut readers = JoinSet::new();
    for number in 0..subscribers {
        let mut client = Client::connect(side.address, &format!("reader-{number}"), &side.login).await?;
        client.subscribe("bench", qos).await?;
        let delivered = Arc::clone(&delivered);
        readers.spawn(async move {
            loop {
                client.receive().await?;
                delivered.fetch_add(1, Relaxed);
            }
            #[expect(unreachable_code, reason = "says what the task would give")]
            anyhow::Ok(())
        });
    }
    let mut publisher = Client::connect(side.address, "publisher", &side.login).await?;
    let burst = mqtt::publishes("bench", BODY, qos, BURST as u16);
    let rounds = (deliveries / (BURST * subscribers as u64)).max(2);
    let (cpu, began) = (cpu_time(side.pid)?, Instant::now());
    for round in 1..=rounds {
        publisher.send(&burst).await?;
        if qos > 0 {
            for _ in 0..BURST {
                publisher.acknowledged().await?;
            }
        }
        let expected = round * BURST * subscribers as u64;
        while delivered.load(Relaxed) < expected {
            ensure!(began.elapsed() < Duration::from_secs(120), "only {} of {expected} came", delivered.load(Relaxed));
            sleep(Duration::from_micros(200)).await;
        }
    }
    let total = (rounds * BURST * subscribers as u64) as f64;
    let (cpu, elapsed) = (cpu_time(side.pid)? - cpu, began.elapsed());
    Ok((total / elapsed.as_secs_f64(), cpu.as_secs_f64() * 1e6 / total))
}
