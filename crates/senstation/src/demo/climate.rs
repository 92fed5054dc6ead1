//! The weather over a farm at 47° north: sun, clouds, rain, wind, and what follows from them.

use std::f64::consts::TAU;

use model::Timestamp;

use super::noise::Noise;

pub(super) const LATITUDE_DEG: f64 = 47.4;
pub(super) const LONGITUDE_DEG: f64 = 8.5;
const HOUR_MS: f64 = 3_600_000.0;

/// The weather at every instant.
#[derive(Debug, Clone, Copy)]
pub(super) struct Climate {
    clouds: Noise,
    fronts: Noise,
    showers: Noise,
    wind: Noise,
    direction: Noise,
    pressure: Noise,
}

/// The weather at one instant.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Sky {
    /// Sine of the sun's height, below 0 at night.
    pub(super) sun: f64,
    pub(super) light_lux: f64,
    pub(super) uv_index: f64,
    pub(super) air_c: f64,
    /// The mean of the season, to which the ground holds.
    pub(super) season_c: f64,
    pub(super) humidity_percent: f64,
    pub(super) rain_mm_h: f64,
    pub(super) wind_m_s: f64,
    pub(super) gust_m_s: f64,
    pub(super) wind_deg: f64,
    pub(super) pressure_pa: f64,
}

impl Climate {
    pub(super) fn new(noise: Noise) -> Self {
        let [clouds, fronts, showers, wind, direction, pressure] = std::array::from_fn(|at| noise.branch(at as u64));
        Self { clouds, fronts, showers, wind, direction, pressure }
    }

    pub(super) fn sky(&self, at: Timestamp) -> Sky {
        let hours = at.as_millis() as f64 / HOUR_MS;
        // 1970 began on the first of January; leap days do not matter to the weather.
        let year = (hours / 24.0 / 365.2425).fract();
        let noon_angle = TAU * ((hours + LONGITUDE_DEG / 15.0) / 24.0).fract() - TAU / 2.0;

        let tilt = 23.44_f64.to_radians() * (TAU * (year - 0.2205)).sin();
        let latitude = LATITUDE_DEG.to_radians();
        let sun = latitude.sin() * tilt.sin() + latitude.cos() * tilt.cos() * noon_angle.cos();
        let day = sun.max(0.0);

        let front = self.fronts.curve(hours, 31.0);
        let cloud = (0.4 + 0.5 * front + 0.35 * self.clouds.curve(hours, 2.5)).clamp(0.0, 1.0);
        // It rains when a front is strong, in showers.
        let rain_mm_h = ((front - 0.62) * 8.0 * (0.6 + self.showers.curve(hours, 0.7))).max(0.0);

        let light_lux = 118_000.0 * day.powf(1.25) * (1.0 - 0.78 * cloud);
        let uv_index = 9.0 * day.powf(2.0) * (1.0 - 0.65 * cloud);

        let season_c = 9.5 + 10.0 * (TAU * (year - 0.55)).cos();
        // Air is warmest three hours after noon, and clouds level out day and night.
        let swing_c = 6.0 * (1.0 - 0.65 * cloud) * (noon_angle - TAU / 8.0).cos();
        let air_c = season_c + swing_c + 3.5 * self.pressure.curve(hours, 83.0) - 0.7 * rain_mm_h.min(4.0);
        let humidity = 74.0 - 3.4 * swing_c + 9.0 * cloud + 6.0 * rain_mm_h.min(3.0);

        let wind_m_s =
            (2.2 + 2.4 * self.wind.curve(hours, 5.0) + 1.2 * front + 0.7 * self.wind.curve(hours, 0.3)).max(0.0);
        Sky {
            sun,
            light_lux,
            uv_index,
            air_c,
            season_c,
            humidity_percent: humidity.clamp(18.0, 100.0),
            rain_mm_h,
            wind_m_s,
            gust_m_s: wind_m_s * (1.5 + 0.3 * self.showers.curve(hours, 0.2)),
            wind_deg: (235.0 + 110.0 * self.direction.curve(hours, 9.0)).rem_euclid(360.0),
            pressure_pa: 96_600.0 + 1_100.0 * self.pressure.curve(hours, 57.0) - 500.0 * front,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn year() -> impl Iterator<Item = (i64, Sky)> {
        let climate = Climate::new(Noise(42));
        (0..365 * 24).map(move |hour| (hour, climate.sky(Timestamp::from_millis(1_767_225_600_000 + hour * 3_600_000))))
    }

    #[test]
    fn the_sun_shines_at_noon_and_never_at_midnight() {
        for (hour, sky) in year() {
            match hour % 24 {
                11 => assert!(sky.sun > 0.3 && sky.light_lux > 3_000.0, "{hour} {sky:?}"),
                23 => assert!(sky.sun < 0.0 && sky.light_lux == 0.0, "{hour} {sky:?}"),
                _ => {}
            }
        }
    }

    #[test]
    fn summers_are_warm_and_it_rains_now_and_then() {
        let mean = |days: std::ops::Range<i64>| {
            let of_days = year().filter(|(hour, _)| days.contains(&(hour / 24)));
            let air_c: Vec<f64> = of_days.map(|(_, sky)| sky.air_c).collect();
            air_c.iter().sum::<f64>() / air_c.len() as f64
        };
        assert!(mean(180..210) > mean(0..30) + 12.0);
        let rainy = year().filter(|(_, sky)| sky.rain_mm_h > 0.1).count();
        assert!((200..2_000).contains(&rainy), "{rainy} hours of rain a year");
        let fallen: f64 = year().map(|(_, sky)| sky.rain_mm_h).sum();
        assert!((300.0..3_000.0).contains(&fallen), "{fallen} mm a year");
    }

    #[test]
    fn the_weather_is_possible() {
        for (hour, sky) in year() {
            assert!((-25.0..42.0).contains(&sky.air_c), "{hour} {sky:?}");
            assert!((94_000.0..99_000.0).contains(&sky.pressure_pa), "{hour} {sky:?}");
            assert!((0.0..25.0).contains(&sky.gust_m_s) && sky.gust_m_s >= sky.wind_m_s, "{hour} {sky:?}");
        }
    }
}
