//! Real payload bytes from readings: for simulated devices, and for tests that send what devices
//! send.
//!
//! Frames of one family can be put one after the other, but those of family A only before their
//! checksum, so that its builder takes everything at once.
//!
//! A number is rounded to the step of its field and cut to what the field holds.
//!
//! **Example**
//! ```
//! use codec::{Codec, encode};
//!
//! let payload = encode::family_a(&[(1, 4097, 21.4), (1, 4098, 31.4)], None);
//! let decoded = Codec::find("S2101").ok_or("no such model")?.decode(2, &payload)?;
//! assert_eq!(decoded.rows[0].readings[1], model::Reading::new(1, 4098, 31.4));
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

mod device;
mod family_a;
mod field;
mod s2100;
mod s2107;
mod s2120;
mod tracker;

pub use device::{DeviceInfo, battery, device_info};
pub use family_a::{Battery, family_a, family_a_info};
pub use s2100::s2100;
pub use s2107::{s2107, s2107_buffered, s2107_info};
pub use s2120::{GustAndRain, Weather, s2120};
pub use tracker::{Found, TrackerRecord, t1000, t1000_e, t2000};
