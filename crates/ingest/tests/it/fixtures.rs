//! Every recorded message is read as its snapshot says; a new file needs no new test.
//!
//! A file's name begins with its event, `_` standing for `/`; what follows a `-` says what is
//! particular about it.

use std::{fs, path::Path};

use ingest::{Message, Post, Refusal};
use model::{SourceKind, Uplink};

use crate::support::{ORG, TOKEN, now, reader, source};

#[test]
fn every_recorded_message_is_read_as_before() {
    let mut read = 0;
    for kind in SourceKind::ALL.into_iter().filter(|kind| kind.path().is_some()) {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures").join(kind.as_str());
        let mut files: Vec<_> = fs::read_dir(folder).unwrap().map(|file| file.unwrap().path()).collect();
        files.sort();
        let source = source(ORG, TOKEN, kind);
        for file in files {
            let name = file.file_name().unwrap().to_str().unwrap();
            let (stem, extension) = name.split_once('.').unwrap();
            let event = stem.split('-').next().unwrap().replace('_', "/");
            let content_type = match extension {
                "pb" => "application/octet-stream",
                "csv" => "text/csv",
                _ => "application/json",
            };
            let body = fs::read(&file).unwrap();
            let message = reader(kind)(&Post { event: &event, content_type, body: &body }, &source, now());
            let suffix = if extension == "csv" { "-csv" } else { "" };
            insta::assert_snapshot!(format!("{kind}-{stem}{suffix}"), describe(message));
            read += 1;
        }
    }
    assert!(read > 40, "{read}");
}

fn describe(read: Result<Message, Refusal>) -> String {
    match read {
        Ok(Message::Uplink(uplink)) => describe_uplink(&uplink),
        Ok(Message::Reports(reports)) => {
            let reports = reports.iter().map(|report| {
                let readings: Vec<_> = report
                    .statuses
                    .iter()
                    .map(|reading| {
                        format!("{}/{} = {}", reading.series.channel, reading.series.measurement, reading.value)
                    })
                    .collect();
                format!("{}\nreadings: {}", describe_uplink(&report.uplink), readings.join(", "))
            });
            reports.collect::<Vec<_>>().join("\n\n")
        }
        Ok(Message::Simulated(uplink)) => format!("simulated\n{}", describe_uplink(&uplink)),
        Ok(Message::Other) => "nothing to store".to_owned(),
        Ok(Message::Warning(warning)) => format!("nothing to store, but a warning: {warning}"),
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
