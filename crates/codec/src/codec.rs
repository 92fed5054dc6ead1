use model::CodecVersion;

use crate::{Decoded, Error, Warning, cayenne, family_a, family_b, family_c, frames::Frames, guess};

/// The rule that turns the payloads of one device model into readings.
///
/// There is one per model, and the model chooses it: frame ids mean different things in different
/// families, so a payload is never asked what it is.
///
/// **Example**
/// ```
/// let codec = codec::Codec::find("s2101").ok_or("no such model")?;
/// let payload = [0x01, 0x01, 0x10, 0x98, 0x53, 0x00, 0x00, 0x01, 0x02, 0x10, 0xA8, 0x7A, 0x00, 0x00, 0xAF, 0x51];
/// let decoded = codec.decode(2, &payload)?;
/// assert_eq!(decoded.rows[0].readings[0], model::Reading::new(1, 4097, 21.4));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug, Clone, Copy)]
pub struct Codec {
    model: &'static str,
    family: &'static Family,
}

/// What models of one wire format share.
#[derive(Debug)]
pub(crate) struct Family {
    /// Raised when the same bytes give other readings than before.
    pub(crate) version: CodecVersion,
    /// Usual ports, likeliest first; empty where any is usual.
    pub(crate) f_ports: &'static [u8],
    /// Checks the payload as a whole and gives the part of it, from its start, that is frames.
    pub(crate) open: fn(&[u8]) -> Result<&[u8], Error>,
    /// Decodes one frame, or leaves `Decoded` as it was.
    pub(crate) frame: fn(&mut Frames<'_>, &mut Decoded) -> Result<(), Error>,
}

static CODECS: [Codec; 20] = [
    Codec { model: "Gen1", family: &family_a::FAMILY },
    Codec { model: "S2100", family: &family_b::PLAIN },
    Codec { model: "S2101", family: &family_a::FAMILY },
    Codec { model: "S2102", family: &family_a::FAMILY },
    Codec { model: "S2103", family: &family_a::FAMILY },
    Codec { model: "S2104", family: &family_a::FAMILY },
    Codec { model: "S2105", family: &family_a::FAMILY },
    Codec { model: "S2106", family: &family_a::FAMILY },
    Codec { model: "S2107", family: &family_b::S2107 },
    Codec { model: "S2120", family: &family_b::PLAIN },
    Codec { model: "A1101", family: &family_a::FAMILY },
    Codec { model: "A1102", family: &family_b::A1102 },
    Codec { model: "T1000-A", family: &family_c::FAMILY },
    Codec { model: "T1000-B", family: &family_c::FAMILY },
    Codec { model: "T1000-C", family: &family_c::FAMILY },
    Codec { model: "T1000-D", family: &family_c::FAMILY },
    Codec { model: "T1000-E", family: &family_c::FAMILY },
    Codec { model: "T2000", family: &family_c::FAMILY },
    Codec { model: "WM1110", family: &family_c::FAMILY },
    Codec { model: "CayenneLPP", family: &cayenne::FAMILY },
];

impl Codec {
    /// No LoRaWAN message is longer, so that what decoding costs has a bound.
    pub const PAYLOAD_BYTES_MAX: usize = 255;

    /// The codec of a model such as `S2101`, in any case.
    pub fn find(model: &str) -> Option<&'static Self> {
        CODECS.iter().find(|codec| codec.model.eq_ignore_ascii_case(model.trim()))
    }

    /// The codec of what a network server calls a kind of device.
    ///
    /// **Shape**: a `model_id` such as `sensecaps2101-temp-humid`, or a profile name such as
    /// `SenseCAP S2101` or `S2101 Temp & Humidity`. A text that names no model, or more than one,
    /// gives none.
    pub fn guess(hint: &str) -> Option<&'static Self> {
        guess::model(hint, CODECS.iter().map(|codec| codec.model)).and_then(Self::find)
    }

    /// Every codec, in a stable order: new ones come last.
    pub fn all() -> &'static [Self] {
        &CODECS
    }

    /// The model, as people write it: `S2101`.
    pub fn model(&self) -> &'static str {
        self.model
    }

    /// Which edition of the rule this is.
    pub fn version(&self) -> CodecVersion {
        self.family.version
    }

    /// The ports that the model usually sends on, likeliest first; empty where any is usual.
    pub fn f_ports(&self) -> &'static [u8] {
        self.family.f_ports
    }

    /// Turns a payload into rows of readings, events and warnings.
    ///
    /// Complete frames before a fault are kept, and the fault is a warning. An unusual port is
    /// a warning.
    ///
    /// **Errors**: an empty or overlong payload, a checksum that does not fit, and a fault that no
    /// complete frame precedes.
    pub fn decode(&self, f_port: u8, payload: &[u8]) -> Result<Decoded, Error> {
        check_length(payload)?;
        let mut decoded = Decoded::default();
        if !self.f_ports().is_empty() && !self.f_ports().contains(&f_port) {
            decoded.warnings.push(Warning::FPort { f_port, usual: self.f_ports() });
        }
        let mut frames = Frames::new((self.family.open)(payload)?);
        while !frames.is_done() {
            let at = frames.at();
            match (self.family.frame)(&mut frames, &mut decoded) {
                Ok(()) => {}
                Err(fault) if at == 0 => return Err(fault),
                Err(fault) => {
                    decoded.warnings.push(Warning::Fault { fault, rest: payload[at..].into() });
                    break;
                }
            }
        }
        Ok(decoded)
    }
}

/// Looks whether a payload has a byte, and no more than LoRaWAN carries.
///
/// **Errors**: an empty or overlong payload.
pub fn check_length(payload: &[u8]) -> Result<(), Error> {
    match payload.len() {
        0 => Err(Error::Empty),
        have if have > Codec::PAYLOAD_BYTES_MAX => Err(Error::Long { have, max: Codec::PAYLOAD_BYTES_MAX }),
        _ => Ok(()),
    }
}
