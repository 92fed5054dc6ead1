use std::fmt::Write;

use model::{DeviceEui, DeviceId, Reading, Timestamp};
use store::Entry;

use crate::bench::{
    fleet::{Fleet, TICK_MS, TICKS_A_DAY},
    storage::{ORG, SOURCE},
};

/// What one device says at one moment.
pub(super) struct Uplink {
    pub(super) eui: u64,
    pub(super) at_ms: i64,
    pub(super) readings: Vec<Reading>,
}

/// The device with a year; those with a month follow it.
pub(super) const YEAR_EUI: u64 = 0x2CF7_F120_0420_0000;
pub(super) const YEAR_DAYS: i64 = 365;
pub(super) const MONTH_DAYS: i64 = 30;
/// The measurement that is asked for.
pub(super) const ASKED: u32 = 4097;

/// A year of one weather station and a month of others, each in the order of arrival.
pub(super) fn history(devices: u64, end_ms: i64) -> [Vec<Uplink>; 2] {
    let of = |devices: std::ops::Range<u64>, days: i64| {
        let devices: Vec<_> =
            devices.map(|device| (DeviceId(device), DeviceEui::from_raw(YEAR_EUI + device))).collect();
        let ticks = days as usize * TICKS_A_DAY;
        let start = Timestamp::from_millis(end_ms - ticks as i64 * TICK_MS);
        let mut fleet = Fleet::new(ORG, SOURCE, &devices, start, 7);
        let entries = (0..ticks).flat_map(move |_| fleet.tick());
        entries.filter_map(|entry| match entry {
            Entry::Uplink(mut uplink) => {
                let row = uplink.rows.pop()?;
                Some(Uplink { eui: uplink.eui.get(), at_ms: row.measured_at.as_millis(), readings: row.readings })
            }
            Entry::Redecode(_) | Entry::Message(_) => None,
        })
    };
    [of(0..1, YEAR_DAYS).collect(), of(1..devices + 1, MONTH_DAYS).collect()]
}

/// Rows of CSV, as a station's `/ingest/http` takes them.
pub(super) fn csv(uplinks: &[&Uplink]) -> String {
    let mut body = String::from("device,time,channel,measurement,value\n");
    for uplink in uplinks {
        let time = Timestamp::from_millis(uplink.at_ms);
        for Reading { series, value } in &uplink.readings {
            let number = value.as_number().unwrap_or_default();
            // Writing into a string does not fail.
            let _ = writeln!(body, "{:016X},{time},{},{},{number}", uplink.eui, series.channel.0, series.measurement.0);
        }
    }
    body
}

/// InfluxDB's line protocol, which VictoriaMetrics takes too.
pub(super) fn lines(uplinks: &[&Uplink]) -> String {
    let mut body = String::new();
    for uplink in uplinks {
        let _ = write!(body, "weather,device={:016X} ", uplink.eui);
        for (at, Reading { series, value }) in uplink.readings.iter().enumerate() {
            let comma = if at > 0 { "," } else { "" };
            let _ = write!(body, "{comma}m{}={}", series.measurement.0, value.as_number().unwrap_or_default());
        }
        let _ = writeln!(body, " {}", uplink.at_ms);
    }
    body
}
