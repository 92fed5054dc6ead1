//! What remembers the weather: rain in the gauge, water and warmth in the soil.

use model::Timestamp;

use super::climate::Climate;

const STEP_MS: i64 = 10 * 60_000;

/// The ground at a time that only moves forward.
#[derive(Debug, Clone)]
pub(super) struct Ground {
    climate: Climate,
    at: Timestamp,
    /// Rain since the beginning.
    pub(super) rain_mm: f64,
    /// Water in a hand's depth of soil, in percent of volume.
    pub(super) moisture_percent: f64,
    pub(super) soil_c: f64,
}

impl Ground {
    pub(super) fn new(climate: Climate, origin: Timestamp) -> Self {
        let soil_c = climate.sky(origin).season_c;
        Self { climate, at: origin, rain_mm: 0.0, moisture_percent: 27.0, soil_c }
    }

    /// Lets the weather work on the ground until then.
    pub(super) fn pass(&mut self, until: Timestamp) {
        while self.at.plus_ms(STEP_MS) <= until {
            self.at = self.at.plus_ms(STEP_MS);
            let sky = self.climate.sky(self.at);
            let fallen_mm = sky.rain_mm_h / 6.0;
            self.rain_mm += fallen_mm;
            // Wet soil takes less in; sun and warmth dry it, and less so when little is left.
            self.moisture_percent += fallen_mm * 0.9 * (1.0 - self.moisture_percent / 46.0);
            let thirst = 0.0009 + 0.007 * sky.sun.max(0.0) * (sky.air_c.max(0.0) / 20.0);
            self.moisture_percent -= thirst * (self.moisture_percent - 9.0) / 20.0;
            self.soil_c += (0.6 * sky.season_c + 0.4 * sky.air_c - self.soil_c) / 40.0;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::demo::noise::Noise;

    #[test]
    fn soil_gets_wet_by_rain_and_dries_without() {
        let mut ground = Ground::new(Climate::new(Noise(3)), Timestamp::from_millis(1_775_000_000_000));
        let (mut rises, mut falls) = (0, 0);
        for _ in 0..90 * 24 {
            let before = ground.clone();
            ground.pass(before.at.plus_ms(3_600_000));
            assert!((9.0..46.0).contains(&ground.moisture_percent), "{ground:?}");
            assert!(ground.rain_mm >= before.rain_mm);
            if ground.moisture_percent > before.moisture_percent {
                assert!(ground.rain_mm > before.rain_mm, "{ground:?}");
                rises += 1;
            } else {
                falls += 1;
            }
        }
        assert!(rises > 20 && falls > 500, "{rises} {falls}");
    }
}
