use std::{
    path::Path,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering::Relaxed},
    },
    time::{Duration, Instant},
};

use anyhow::{Context, anyhow, ensure};
use model::{
    AccessId, AccessKey, DeviceKind, OrgId, Organization, Scopes, SecretHash, Source, SourceId, SourceKind, Timestamp,
};
use sha2::{Digest, Sha256};
use store::{Binding, Registry};
use store_embedded::EmbeddedStore;
use tokio::{task::JoinSet, time::sleep};

use crate::{
    bench::{
        machine::{cpu_time, pause},
        mqtt::Client,
        report::number,
    },
    connection::Connection,
    station::Station,
};

/// Readings of one post, which are as many messages.
const READINGS: u64 = 50;
/// Messages a second.
const RATE: u64 = 100_000;
const POSTING: u64 = 8;
const LASTS: Duration = Duration::from_secs(10);
const EUI: &str = "2CF7F12004100000";

/// Prints what it costs to store readings of many organizations, and what more it costs to deliver them, one
/// subscriber in each.
pub(super) async fn run(folder: &Path, organizations: u64, lasts: Option<Duration>) -> anyhow::Result<()> {
    let lasts = lasts.unwrap_or(LASTS);
    people(folder, organizations).await?;
    let station = Station::start(folder)?;
    let address = station.mqtt.context("the station speaks no MQTT")?;
    let posts = RATE * lasts.as_secs() / READINGS;
    // The first post of each adds a device, which is not what is measured.
    post(&station, organizations, 0, organizations)?;
    let stored = post(&station, organizations, organizations, posts)?;
    let delivered = Arc::new(AtomicU64::new(0));
    let mut readers = JoinSet::new();
    for number in 0..organizations {
        let login = Some((format!("org-{}", org(number)), secret("key", number)));
        let mut client = Client::connect(address, "reader", &login).await?;
        client.subscribe(&format!("/device_sensor_data/{}/+/+/vs/+", org(number)), 0).await?;
        let delivered = Arc::clone(&delivered);
        readers.spawn(async move {
            while client.receive().await.is_ok() {
                delivered.fetch_add(1, Relaxed);
            }
        });
    }
    let (before, began) = (cpu_time(station.pid())?, Instant::now());
    tokio::task::block_in_place(|| post(&station, organizations, organizations + posts, posts))?;
    let expected = posts * READINGS;
    while delivered.load(Relaxed) < expected {
        ensure!(began.elapsed() < 6 * lasts, "only {} of {expected} came", delivered.load(Relaxed));
        sleep(Duration::from_millis(1)).await;
    }
    let (elapsed, count) = (began.elapsed(), delivered.load(Relaxed));
    ensure!(count == expected, "{count} came of {expected}");
    let all = (cpu_time(station.pid())? - before).as_secs_f64() * 1e6 / expected as f64;
    println!("\n| {organizations} organizations, {READINGS} readings a post | a second | CPU µs each |\n|---|---|---|");
    println!("| stored, nobody subscribed | {} k | {} |", number(stored.per_second / 1e3), number(stored.cpu_us));
    let per_second = expected as f64 / elapsed.as_secs_f64();
    println!("| stored and delivered, all {count} | {} k | {} |", number(per_second / 1e3), number(all));
    println!("| of that the delivery | | {} |", number(all - stored.cpu_us));
    Ok(())
}

/// What was posted.
struct Posted {
    per_second: f64,
    /// Of one reading.
    cpu_us: f64,
}

/// Posts to one organization after the other, at the rate, or as fast as it goes.
fn post(station: &Station, organizations: u64, first: u64, count: u64) -> anyhow::Result<Posted> {
    let (before, began) = (cpu_time(station.pid())?, Instant::now());
    std::thread::scope(|scope| {
        let posting: Vec<_> = (0..POSTING)
            .map(|own| {
                scope.spawn(move || {
                    let mut connection = Connection::open(station.address)?;
                    for at in (own..count).step_by(POSTING as usize) {
                        let due = Duration::from_secs_f64(at as f64 * READINGS as f64 / RATE as f64);
                        pause(due.saturating_sub(began.elapsed()));
                        let request = request(at % organizations, first + at);
                        ensure!(connection.ask(&request)?.status == 200, "readings are refused");
                    }
                    anyhow::Ok(())
                })
            })
            .collect();
        for thread in posting {
            thread.join().map_err(|_| anyhow!("a client panicked"))??;
        }
        anyhow::Ok(())
    })?;
    let readings = (count * READINGS) as f64;
    let cpu = cpu_time(station.pid())? - before;
    Ok(Posted { per_second: readings / began.elapsed().as_secs_f64(), cpu_us: cpu.as_secs_f64() * 1e6 / readings })
}

/// A post of one device's readings of one time, a channel each.
fn request(organization: u64, number: u64) -> Vec<u8> {
    let time = 1_790_000_000_000 + number;
    let readings: Vec<String> = (1..=READINGS)
        .map(|channel| {
            format!(
                r#"{{"device":"{EUI}","time":{time},"channel":{channel},"measurement":4097,"value":{}.{}}}"#,
                number % 40,
                channel % 10
            )
        })
        .collect();
    let body = format!("[{}]", readings.join(","));
    let token = secret("token", organization);
    let head = format!(
        "POST /ingest/http HTTP/1.1\r\nHost: station\r\nAuthorization: Bearer {token}\r\n\
         Content-Type: application/json\r\nContent-Length: {}\r\n\r\n{body}",
        body.len()
    );
    head.into_bytes()
}

fn org(number: u64) -> OrgId {
    OrgId::from_raw(900_000_000_000 + number)
}

/// Of a key or token.
fn secret(kind: &str, number: u64) -> String {
    format!("{kind}-{number:060}")
}

/// So many organizations with a key, a source and a device each.
async fn people(folder: &Path, organizations: u64) -> anyhow::Result<()> {
    let registry = EmbeddedStore::open_registry(folder)?;
    let hash = |secret: &str| SecretHash(Sha256::digest(secret).into());
    let (name, created_at) = ("Farm".to_owned(), Timestamp::EPOCH);
    for number in 0..organizations {
        let org = org(number);
        registry.create_organization(Organization { id: org, name: name.clone(), created_at }).await?;
        let id: AccessId = format!("{number:016}").parse()?;
        let key = hash(&secret("key", number));
        let key = AccessKey::new(id, org, key, name.clone(), Scopes::READ_WRITE, created_at);
        registry.create_access_key(key).await?;
        let source = Source {
            id: SourceId::from_raw(0x1000 + number),
            org,
            kind: SourceKind::Http,
            name: name.clone(),
            token: hash(&secret("token", number)),
            auto_add: false,
            created_at,
            previous: None,
        };
        registry.create_source(source).await?;
        let binding = Binding {
            org,
            eui: EUI.parse()?,
            kind: DeviceKind::Node,
            model: "S2101".to_owned(),
            name: name.clone(),
            group: None,
            place: None,
            frequency: String::new(),
            code: String::new(),
            bound_at: created_at,
        };
        registry.bind_device(binding).await?;
    }
    Ok(())
}
