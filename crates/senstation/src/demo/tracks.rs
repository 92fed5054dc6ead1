//! Where what moves about the farm is.

use codec::encode::{Found, TrackerRecord};
use model::Timestamp;

use super::{
    climate::{Climate, LATITUDE_DEG, LONGITUDE_DEG},
    noise::Noise,
};

const HOUR_MS: i64 = 3_600_000;
/// How far from the yard the fields are.
const REACH_DEG: f64 = 0.008;
/// What is heard in the yard: bit 1 of the first byte marks addresses that nobody was given.
const HOTSPOTS: [([u8; 6], i8); 3] =
    [([0x02, 0, 0, 0, 0, 1], -48), ([0x02, 0, 0, 0, 0, 2], -67), ([0x02, 0, 0, 0, 0, 3], -83)];

/// A tractor and a cart.
#[derive(Debug, Clone, Copy)]
pub(super) struct Tracks {
    noise: Noise,
    climate: Climate,
}

impl Tracks {
    /// Out of so many times that it reports, a tractor in the far field is not heard three times on end.
    const ROUND: i64 = 96;
    const LOST: i64 = 3;

    pub(super) fn new(noise: Noise, climate: Climate) -> Self {
        Self { noise, climate }
    }

    pub(super) fn is_out_of_reach(count: i64) -> bool {
        count.rem_euclid(Self::ROUND) < Self::LOST && count >= Self::LOST
    }

    /// How many earlier records come with this one.
    pub(super) fn held_back(count: i64) -> i64 {
        if count.rem_euclid(Self::ROUND) == Self::LOST && count > Self::LOST { Self::LOST } else { 0 }
    }

    /// The tractor: in the fields by day, in the barn, where there are no satellites, by night.
    pub(super) fn tractor(&self, at: Timestamp, percent: u8) -> TrackerRecord {
        let (away, before) = (self.away(at), self.away(at.minus_ms(5 * 60_000)));
        let events = match (before > 0.0, away > 0.0) {
            (false, true) => 0b01,
            (true, false) => 0b10,
            _ => 0,
        };
        let day = at.as_millis().div_euclid(24 * HOUR_MS);
        let sky = self.climate.sky(at);
        let found = if away > 0.0 { self.place(at, away, 2.0) } else { Found::Wifi(HOTSPOTS.to_vec()) };
        TrackerRecord {
            at: whole_second(at),
            events,
            motion: if away > 0.0 { (day.rem_euclid(250) + 1) as u8 } else { 0 },
            found,
            air: Some((sky.air_c + 4.0 * away, (sky.light_lux / 1_200.0).min(100.0))),
            acceleration_mg: Some([180.0 * away * self.noise.curve(hours(at), 0.1), 40.0 * away, 1_000.0]),
            percent,
        }
    }

    /// The cart: somewhere else every few days.
    pub(super) fn cart(&self, at: Timestamp, percent: u8) -> TrackerRecord {
        let stay = at.as_millis().div_euclid(60 * HOUR_MS);
        let noise = self.noise.branch(3);
        let offset = |index| REACH_DEG * (2.0 * noise.at(index) - 1.0);
        TrackerRecord {
            at: whole_second(at),
            events: 0,
            motion: 0,
            found: Found::Place {
                longitude: LONGITUDE_DEG + offset(2 * stay),
                latitude: LATITUDE_DEG + offset(2 * stay + 1),
            },
            air: None,
            acceleration_mg: None,
            percent,
        }
    }

    /// 0 in the barn, 1 in the fields.
    fn away(&self, at: Timestamp) -> f64 {
        (4.0 * self.climate.sky(at).sun).clamp(0.0, 1.0)
    }

    fn place(&self, at: Timestamp, away: f64, period: f64) -> Found {
        let offset = |branch| away * REACH_DEG * self.noise.branch(branch).curve(hours(at), period);
        Found::Place { longitude: LONGITUDE_DEG + offset(1), latitude: LATITUDE_DEG + offset(2) }
    }
}

fn hours(at: Timestamp) -> f64 {
    at.as_millis() as f64 / HOUR_MS as f64
}

fn whole_second(at: Timestamp) -> Timestamp {
    Timestamp::from_millis(at.as_millis().div_euclid(1000) * 1000)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_held_back_comes_once() {
        let reports = (0..1_000).filter(|count| !Tracks::is_out_of_reach(*count));
        let mut told: Vec<_> = reports.flat_map(|count| count - Tracks::held_back(count)..=count).collect();
        told.sort_unstable();
        assert_eq!(told, (0..1_000).collect::<Vec<_>>()[..told.len()]);
        assert!(told.len() > 990);
    }

    #[test]
    fn the_tractor_goes_out_and_comes_home() {
        let noise = Noise(5);
        let tracks = Tracks::new(noise, Climate::new(noise));
        let start = Timestamp::from_millis(1_782_000_000_000);
        let day: Vec<_> = (0..288).map(|count| tracks.tractor(start.plus_ms(count * 300_000), 90)).collect();
        let is_out = |record: &&TrackerRecord| matches!(record.found, Found::Place { .. });
        let out = day.iter().filter(is_out).count();
        assert!((60..250).contains(&out), "{out} of 288");
        let events: Vec<_> = day.iter().map(|record| record.events).filter(|events| *events != 0).collect();
        assert_eq!(events.iter().sum::<u32>(), 3, "{events:?}");
    }
}
