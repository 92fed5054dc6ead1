//! Every recorded message is read as its snapshot says; a new file needs no new test.

use std::{fs, path::Path};

use ingest::{
    Refusal,
    chirpstack::{self, Event},
};
use model::{SourceKind, Uplink};

use crate::support::{ORG, TOKEN, now, source};

#[test]
fn every_recorded_message_is_read_as_before() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures/chirpstack");
    let mut files: Vec<_> = fs::read_dir(folder).unwrap().map(|file| file.unwrap().path()).collect();
    files.sort();
    let source = source(ORG, TOKEN, SourceKind::ChirpStack);
    for file in files {
        let name = file.file_stem().unwrap().to_str().unwrap();
        let event = name.split('-').next().unwrap();
        let read = chirpstack::read(event, &fs::read(&file).unwrap(), &source, now());
        insta::assert_snapshot!(format!("chirpstack-{name}"), describe(read));
    }
}

fn describe(read: Result<Event, Refusal>) -> String {
    match read {
        Ok(Event::Uplink(uplink)) => describe_uplink(&uplink),
        Ok(Event::Status(report)) => {
            let statuses = report.statuses.iter();
            let statuses: Vec<_> =
                statuses.map(|status| format!("{} = {}", status.series.measurement, status.value)).collect();
            format!("{}\nstatuses: {}", describe_uplink(&report.uplink), statuses.join(", "))
        }
        Ok(Event::Other) => "nothing to store".to_owned(),
        Err(refusal) => format!("{}: {refusal}", refusal.status()),
    }
}

fn describe_uplink(uplink: &Uplink) -> String {
    let frame = &uplink.frame;
    let payload: String = frame.payload.iter().map(|byte| format!("{byte:02X}")).collect();
    let receptions: Vec<_> = frame
        .receptions
        .iter()
        .map(|heard| format!("\n  {} {} dBm {} dB", heard.gateway, heard.rssi_dbm, heard.snr_db))
        .collect();
    format!(
        "eui: {}\nsent_at: {}\nreceived_at: {}\nf_port: {}\nf_cnt: {:?}\npayload: {payload}\nfrequency_hz: {}\n\
         data_rate: {:?}\nreceptions:{}\ndedup: {:032X}\nmodel_hints: {:?}\nname_hint: {:?}",
        uplink.eui,
        uplink.sent_at,
        uplink.received_at,
        frame.f_port,
        frame.f_cnt,
        frame.frequency_hz,
        frame.data_rate,
        receptions.concat(),
        uplink.dedup.0,
        uplink.model_hints,
        uplink.name_hint,
    )
}
