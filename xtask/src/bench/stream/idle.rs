use super::{Side, latency};
use crate::{
    bench::{machine::memory, mqtt::Client, report::number},
    station::Station,
};

/// Prints what clients cost that only are there, and what they do to those that are busy.
pub(super) async fn run(station: &Station, sides: &[Side], count: usize) -> anyhow::Result<()> {
    let Some((ours, peers)) = sides.split_first() else { return Ok(()) };
    // First, so that nothing was freed that could be used again.
    let (our_bytes, idle) = idle(ours, count).await?;
    let beside = latency::latency(station, ours, 200).await?;
    drop(idle);
    let alone = latency::latency(station, ours, 200).await?;
    let mut bytes = vec![our_bytes];
    for peer in peers {
        bytes.push(self::idle(peer, count).await?.0);
    }
    latency::print(200, &[("alone", &alone), (&format!("beside {count} idle clients"), &beside)]);
    let names: String = sides.iter().map(|side| format!(" {}, bytes each |", side.name)).collect();
    println!("\n| idle clients |{names}\n|---|{}", "---|".repeat(sides.len()));
    let bytes: String = bytes.into_iter().map(|bytes| format!(" {} |", number(bytes))).collect();
    println!("| {count} |{bytes}");
    Ok(())
}

/// How many bytes more the process has with each of so many clients that are connected and subscribed; and
/// they.
async fn idle(side: &Side, count: usize) -> anyhow::Result<(f64, Vec<Client>)> {
    let before = memory(side.pid, "VmRSS")?;
    let mut clients = Vec::with_capacity(count);
    for number in 0..count {
        let mut client = Client::connect(side.address, &format!("idle-{number}"), &side.login).await?;
        client.subscribe(&format!("idle/{number}"), 0).await?;
        clients.push(client);
    }
    Ok((memory(side.pid, "VmRSS")?.saturating_sub(before) as f64 / count as f64, clients))
}
