use super::{Side, latency, resident_bytes};
use crate::{
    bench::{mqtt::Client, report::number},
    station::Station,
};

/// Prints what clients cost that only are there, and what they do to those that are busy.
pub(super) async fn run(station: &Station, ours: &Side, theirs: Option<&Side>, count: usize) -> anyhow::Result<()> {
    // First, so that nothing was freed that could be used again.
    let (our_bytes, idle) = idle(ours, count).await?;
    let beside = latency::latency(station, ours, 200).await?;
    drop(idle);
    let alone = latency::latency(station, ours, 200).await?;
    let mut their_bytes = None;
    if let Some(theirs) = theirs {
        their_bytes = Some(number(self::idle(theirs, count).await?.0));
    }
    println!("\n| webhook to the last of 200 subscribers, 100 a second | p50 | p99 |\n|---|---|---|");
    latency::print(&[("alone", &alone), (&format!("beside {count} idle clients"), &beside)]);
    println!("\n| idle clients | Senstation, bytes each | mosquitto, bytes each |\n|---|---|---|");
    println!("| {count} | {} | {} |", number(our_bytes), their_bytes.as_deref().unwrap_or("–"));
    Ok(())
}

/// How many bytes more the process has with each of so many clients that are connected and subscribed; and
/// they.
async fn idle(side: &Side, count: usize) -> anyhow::Result<(f64, Vec<Client>)> {
    let before = resident_bytes(side.pid)?;
    let mut clients = Vec::with_capacity(count);
    for number in 0..count {
        let mut client = Client::connect(side.address, &format!("idle-{number}"), &side.login).await?;
        client.subscribe(&format!("idle/{number}"), 0).await?;
        clients.push(client);
    }
    Ok((resident_bytes(side.pid)?.saturating_sub(before) as f64 / count as f64, clients))
}
