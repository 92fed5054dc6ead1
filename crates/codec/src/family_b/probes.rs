//! The three temperature probes of the S2107.

use model::Timestamp;

use crate::{
    Decoded, Error, Event, Version,
    family_b::{
        device::{battery, report_interval},
        plain,
    },
    frames::Frames,
};

const TEMPERATURE: u32 = 4203;

/// The common frames, and 7F, which fills two bytes.
pub(super) fn frame(frames: &mut Frames<'_>, out: &mut Decoded) -> Result<(), Error> {
    match frames.id() {
        0x7F => frames.take::<2>().map(|_| ()),
        _ => plain(frames, out),
    }
}

/// 46: temperatures of an earlier time, kept while the network was away.
pub(super) fn buffered(frame: [u8; 11], out: &mut Decoded) {
    let [_, s3, s2, s1, s0, probes @ ..] = frame;
    let seconds = u32::from_be_bytes([s3, s2, s1, s0]);
    temperatures(Some(Timestamp::from_millis(i64::from(seconds) * 1000)), probes, out);
}

/// 47: temperatures of now.
pub(super) fn live(frame: [u8; 7], out: &mut Decoded) {
    let [_, probes @ ..] = frame;
    temperatures(None, probes, out);
}

fn temperatures(at: Option<Timestamp>, probes: [u8; 6], out: &mut Decoded) {
    let [a1, a0, b1, b0, c1, c0] = probes;
    for (channel, hundredths) in (1..).zip([[a1, a0], [b1, b0], [c1, c0]].map(i16::from_be_bytes)) {
        if hundredths == i16::MIN {
            out.no_value(channel, TEMPERATURE);
        } else {
            out.number_at(at, channel, TEMPERATURE, f64::from(hundredths) / 100.0);
        }
    }
}

/// 48: states of the sockets.
pub(super) fn states(frame: [u8; 11], out: &mut Decoded) {
    let [_, states @ ..] = frame;
    out.events.push(Event::ChannelStates(states.map(Into::into)));
}

/// 49: battery, versions and interval.
pub(super) fn info(frame: [u8; 8], out: &mut Decoded) {
    let [id, percent, hw1, hw0, fw1, fw0, m1, m0] = frame;
    battery([id, percent], out);
    out.versions(Version::new(hw1, hw0), Version::new(fw1, fw0));
    report_interval([m1, m0], out);
}
