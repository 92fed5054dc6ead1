//! Detections of a camera on a data logger or kit.

use crate::Decoded;

/// 20, 43, 44 from measurement 4175 on, 21, 45 from 4180 on: five pairs of class and score.
///
/// The reading is `class.score` with two digits, as the published range 1.00 to 39.99 has it. A
/// score is a percentage: 100 reads as 99, or it would turn one class into the next, and what is
/// above is a fault.
pub(super) fn scores(first: u32, frame: [u8; 11], out: &mut Decoded) {
    let [_, pairs @ ..] = frame;
    for (measurement, pair) in (first..).zip(pairs.chunks_exact(2)) {
        let &[class, score] = pair else { continue };
        if score > 100 {
            out.fault(1, measurement);
        } else {
            out.number(1, measurement, f64::from(u16::from(class) * 100 + u16::from(score.min(99))) / 100.0);
        }
    }
}
