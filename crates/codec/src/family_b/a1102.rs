//! The camera A1102, whose detections travel in the frames of a data logger.

use crate::{
    Decoded, Error, Event,
    family_b::{
        datalogger::{Pair, custom, flags},
        plain,
    },
    frames::Frames,
};

/// Reads digits: its values are what the meter shows, not detections.
const METER: u32 = 60113;

/// Stands where nothing was detected.
const NONE: i32 = -1000;

/// The common frames, but with detections in 30 to 33.
pub(super) fn frame(frames: &mut Frames<'_>, out: &mut Decoded) -> Result<(), Error> {
    let at = frames.at();
    let id = frames.id();
    if !(0x30..=0x33).contains(&id) {
        return plain(frames, out);
    }
    let is_meter = model(frames.rewound()) == Some(METER);
    let pair = take(id, frames)?;
    let measurements = match id {
        0x30 | 0x31 => [Some(4165), Some(4166)],
        _ => [custom(pair.channels[0], at + 1)?, custom(pair.channels[1], at + 1)?],
    };
    // Only the second value of the last frame can be a model's number.
    let models = [None, pair.model(id)];
    for ((measurement, raw), model) in measurements.into_iter().zip(pair.thousandths).zip(models) {
        match (measurement, model) {
            (None, _) => {}
            (Some(measurement), Some(model)) => {
                out.text(1, measurement, name(model));
                out.events.push(Event::DetectionModel { id: model });
            }
            (Some(measurement), None) if raw == NONE => out.no_value(1, measurement),
            (Some(measurement), None) if is_meter => out.number(1, measurement, f64::from(raw) / 1000.0),
            // The published rule adds a hundredth to every detection.
            (Some(measurement), None) => out.number(1, measurement, (f64::from(raw) + 10.0) / 1000.0),
        }
    }
    flags(pair.flags, out);
    Ok(())
}

fn take(id: u8, frames: &mut Frames<'_>) -> Result<Pair, Error> {
    if id == 0x32 { frames.take::<10>().map(Pair::from) } else { frames.take::<11>().map(Pair::from) }
}

impl Pair {
    /// The number of the model, a million above which it is sent.
    fn model(&self, id: u8) -> Option<u32> {
        let ([_, 10], [_, raw @ 1_000_000_000..2_000_000_000], 0x33) = (self.channels, self.thousandths, id) else {
            return None;
        };
        u32::try_from(raw / 1000 - 1_000_000).ok()
    }
}

/// The model that the payload names, normally in its last frame.
fn model(mut frames: Frames<'_>) -> Option<u32> {
    let mut skipped = Decoded::default();
    while !frames.is_done() {
        let id = frames.id();
        if (0x30..=0x33).contains(&id) {
            if let Some(model) = take(id, &mut frames).ok()?.model(id) {
                return Some(model);
            }
        } else {
            plain(&mut frames, &mut skipped).ok()?;
        }
    }
    None
}

/// What the public model list calls a model; its number where the list is not known to have it.
fn name(model: u32) -> Box<str> {
    match model {
        60086 => "Person Detection--Swift YOLO".into(),
        METER => "Digital Meter Electricity".into(),
        60242 => "Person Detection".into(),
        other => other.to_string().into(),
    }
}
