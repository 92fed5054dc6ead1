//! The other station's stream, followed beside asking.

use std::{collections::BTreeSet, sync::Arc, time::Duration};

use client::{OpenStream, Receipt, StreamReading, Streamed};
use ingest::import::{Origin, Record};
use model::{BrokerUrl, DeviceEui, OrgId};
use tokio::{
    sync::{mpsc, watch},
    task::JoinSet,
    time::sleep,
};

use super::{sink::Sink, told::Told};

/// Readings that wait to be stored, at most.
const WAITING_MAX: usize = 1_024;
/// What comes within so long is stored together, so that readings of one uplink become one row.
const TOGETHER: Duration = Duration::from_millis(50);
/// How long is waited before what could not be stored is tried again.
const UNSTORED: Duration = Duration::from_secs(5);

/// What is known of a stream.
#[derive(Debug)]
pub(super) enum Heard {
    /// It is connected; unless it goes on where it was, something may be missing.
    Ready { is_resumed: bool },
    /// It is not, and why.
    Lost(String),
    /// It told of a device that nobody knows here.
    Stranger,
}

/// Whose stream is followed, and into what.
pub(super) struct Followed {
    pub(super) at: BrokerUrl,
    pub(super) other_org: String,
    pub(super) access_key: String,
    /// What this reader calls itself, so that the other station remembers where it was.
    pub(super) name: String,
    pub(super) org: OrgId,
    pub(super) sink: Arc<Sink>,
    pub(super) devices: watch::Receiver<BTreeSet<DeviceEui>>,
    pub(super) told: Told,
}

/// Follows a stream until the tasks are dropped; what it hears is told.
pub(super) fn follow(followed: Followed, heard: mpsc::Sender<Heard>) -> Result<JoinSet<()>, client::Error> {
    let mut stream = OpenStream::new(&followed.at, &followed.other_org, &followed.access_key, &followed.name)?;
    let acknowledger = stream.acknowledger();
    let (readings, mut waiting) = mpsc::channel::<(StreamReading, Receipt)>(WAITING_MAX);
    let mut tasks = JoinSet::new();
    let connection = heard.clone();
    tasks.spawn(async move {
        loop {
            let is_heard = match stream.next().await {
                Ok(Streamed::Reading(reading, receipt)) => readings.send((reading, receipt)).await.is_ok(),
                Ok(Streamed::Ready { is_resumed }) => connection.send(Heard::Ready { is_resumed }).await.is_ok(),
                Err(error) => connection.send(Heard::Lost(error.to_string())).await.is_ok(),
            };
            if !is_heard {
                return;
            }
        }
    });
    tasks.spawn(async move {
        let Followed { org, sink, devices, told, .. } = followed;
        while let Some(first) = waiting.recv().await {
            sleep(TOGETHER).await;
            let mut together = vec![first];
            while together.len() < WAITING_MAX
                && let Ok(next) = waiting.try_recv()
            {
                together.push(next);
            }
            let known = devices.borrow().clone();
            let mut records: Vec<_> = together.iter().filter(|(reading, _)| known.contains(&reading.device)).collect();
            let has_strangers = records.len() < together.len();
            records.sort_by_key(|(reading, _)| (reading.device, reading.time, reading.series));
            let records: Vec<_> = records.into_iter().map(|(reading, _)| record(reading)).collect();
            let new = loop {
                match sink.take(org, &records).await {
                    Ok(new) => break new,
                    Err(error) => {
                        // It is not acknowledged until it can be.
                        told.failed(&format!("what came cannot be stored: {error:#}"));
                        sleep(UNSTORED).await;
                    }
                }
            };
            for (_, receipt) in &together {
                // What cannot be acknowledged any more comes again, and is known then.
                let _ = acknowledger.acknowledge(receipt).await;
            }
            if new > 0 {
                told.came(new);
            }
            // A device that is bound there since is found by looking, and its history by asking. Whoever looks already
            // need not be told again.
            if has_strangers {
                let _ = heard.try_send(Heard::Stranger);
            }
        }
    });
    Ok(tasks)
}

fn record(reading: &StreamReading) -> Record {
    Record {
        line: 0,
        eui: reading.device,
        series: reading.series,
        measured_at: reading.time,
        value: reading.value.clone(),
        origin: Origin::default(),
    }
}
