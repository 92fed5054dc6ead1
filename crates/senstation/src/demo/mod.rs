//! A fleet that does not exist, sending what real devices would send.
//!
//! Everything follows from a seed and the time: [`climate`] is the weather over a farm, [`fleet`]
//! the devices that stand in it, [`history`] what they have sent so far and [`live`] what they send
//! from now on. Their payloads are real bytes, and go through the pipeline that every webhook uses.

mod climate;
mod fleet;
mod ground;
mod history;
mod host;
mod live;
mod noise;
mod owner;
mod tracks;

use std::net::UdpSocket;

use serde_json::json;

use crate::{
    config::Settings,
    front::PortalLink,
    logging::Tail,
    output::Output,
    serve::{Running, Signals},
    station::Station,
};

pub(crate) use fleet::Fleet;
pub(crate) use host::{Fleets, fleets};
pub(crate) use owner::Owner;

/// Runs a demo station until it is told to stop.
pub(crate) async fn run(settings: &Settings, days: u32, output: Output, log: Tail) -> anyhow::Result<()> {
    let station = Station::open(settings)?;
    let signals = Signals::catch()?;
    let owner = Owner::find_or_create(&*station.store(), &settings.data_dir, days).await?;
    let mut running = Running::start(settings, station, signals, log).await?;
    let store = running.store();
    let mut caught_up = None;
    if owner.has_fleet {
        let mut fleet = Fleet::new(&owner);
        match running.unless_told(history::catch_up(&*store, &owner, &mut fleet)).await {
            Some(at) => caught_up = Some((fleet, at?)),
            None => return running.stop().await,
        }
    }
    if output == Output::Text {
        running.announce(output);
    }
    let portal = running.portal_link(Some(owner.org)).await?;
    let shown = machine_readable(&owner, &running, portal.as_ref());
    output.greet(&shown, introduction(&owner, &running, portal.as_ref()));
    if let Some((fleet, at)) = caught_up {
        running.fleets().adopt(owner, fleet, at);
    }
    running.until_told().await
}

fn machine_readable(owner: &Owner, running: &Running, portal: Option<&PortalLink>) -> serde_json::Value {
    json!({
        "org_id": owner.org.to_string(),
        "access_id": owner.access_id.to_string(),
        "access_key": owner.access_key,
        "url": running.url(),
        "mqtt": running.mqtt().map(|address| format!("mqtt://{address}")),
        "portal": portal.map(|portal| &portal.url),
        "devices": fleet::MEMBERS.map(|member| {
            json!({ "eui": member.eui().to_string(), "model": member.model, "name": member.name })
        }),
    })
}

fn introduction(owner: &Owner, running: &Running, portal: Option<&PortalLink>) -> String {
    let Some(url) = running.url() else { return String::new() };
    let (greenhouse, weather) = (fleet::GREENHOUSE.eui(), fleet::WEATHER_STATION.eui());
    let curl = format!("curl --user {}:{} '{url}/openapi", owner.access_id, owner.access_key);
    let phone = match lan_url(running) {
        Some(lan) => format!("\nFrom a phone or another machine in the same network: {lan}\n"),
        None => String::new(),
    };
    let portal = portal.map(ToString::to_string).unwrap_or_default();
    let stream = match running.mqtt() {
        Some(door) => {
            let line = stream::quick_start(&door.ip().to_string(), door.port(), owner.org, &owner.access_key);
            format!("\nReadings as they come, by MQTT:\n  {line}\n")
        }
        None => String::new(),
    };
    format!(
        "\n{portal}\n\norganization  {}\naccess id     {}\naccess key    {}\n{phone}
The latest readings of a greenhouse:
  {curl}/view_latest_telemetry_data?device_eui={greenhouse}'

The newest 1000 readings of a weather station:
  {curl}/list_telemetry_data?device_eui={weather}'

Its temperature since the fleet was set up, as averages:
  {curl}/aggregate_chart_points?device_eui={weather}&measurement_id=4097&interval=720&time_start={}'

All devices:
  {curl}/list_devices'
{stream}
Live readings follow. Ctrl-C stops the station.",
        owner.org,
        owner.access_id,
        owner.access_key,
        owner.origin.as_millis(),
    )
}

/// Where other machines of the local network reach the API, if they do.
fn lan_url(running: &Running) -> Option<String> {
    let bound = running.address().filter(|address| address.ip().is_unspecified())?;
    // Nothing is sent: connecting only chooses the address that packets would leave from.
    let socket = UdpSocket::bind("0.0.0.0:0").ok()?;
    socket.connect("192.0.2.1:9").ok()?;
    let ip = socket.local_addr().ok()?.ip();
    Some(format!("http://{ip}:{}", bound.port()))
}
