use model::Timestamp;

use crate::encode::{DeviceInfo, device::about, field};

/// The probes of an S2107 now, in ℃; `None` where no probe is plugged in.
pub fn s2107(probes_c: [Option<f64>; 3]) -> Vec<u8> {
    let mut frame = vec![0x47];
    push_probes(probes_c, &mut frame);
    frame
}

/// The probes of an S2107 at an earlier time, whole seconds from 1970 to 2106.
pub fn s2107_buffered(at: Timestamp, probes_c: [Option<f64>; 3]) -> Vec<u8> {
    let mut frame = vec![0x46];
    frame.extend(field::seconds(at).to_be_bytes());
    push_probes(probes_c, &mut frame);
    frame
}

/// The information frame of an S2107.
pub fn s2107_info(info: DeviceInfo) -> Vec<u8> {
    let mut frame = vec![0x49];
    about(info, &mut frame);
    frame
}

fn push_probes(probes_c: [Option<f64>; 3], frame: &mut Vec<u8>) {
    for probe_c in probes_c {
        // The lowest number means that there is no probe.
        let hundredths = probe_c.map_or(i16::MIN, |celsius| field::i16(celsius, 100.0).max(i16::MIN + 1));
        frame.extend(hundredths.to_be_bytes());
    }
}
