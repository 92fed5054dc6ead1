use crate::encode::field;

/// What an S2120 measures.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub struct Weather {
    /// Air temperature in ℃, in tenths.
    pub temperature_c: f64,
    /// Air humidity in whole percent.
    pub humidity_percent: f64,
    /// Light in whole lux.
    pub light_lux: f64,
    /// UV index, in tenths up to 25.5.
    pub uv_index: f64,
    /// Wind speed in m/s, in tenths.
    pub wind_speed_m_s: f64,
    /// Wind direction in whole degrees.
    pub wind_direction_deg: f64,
    /// Rain in mm/h, in thousandths.
    pub rainfall_mm_h: f64,
    /// Pressure in Pa, in tens.
    pub pressure_pa: f64,
    /// What only newer firmware measures; with it the newer frames are sent.
    pub gust_and_rain: Option<GustAndRain>,
}

/// What the newer firmware of an S2120 adds.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub struct GustAndRain {
    /// Peak gust in m/s, in tenths.
    pub gust_m_s: f64,
    /// Rain in all in mm, in thousandths.
    pub rain_total_mm: f64,
}

/// The frames of an S2120: 01 and 02, or 4A, 4B and 4C of newer firmware.
pub fn s2120(weather: Weather) -> Vec<u8> {
    let newer = weather.gust_and_rain;
    let [first, second] = if newer.is_some() { [0x4A, 0x4B] } else { [0x01, 0x02] };
    let mut payload = vec![first];
    payload.extend(field::i16(weather.temperature_c, 10.0).to_be_bytes());
    payload.push(field::u8(weather.humidity_percent, 1.0));
    payload.extend(field::u32(weather.light_lux, 1.0).to_be_bytes());
    payload.push(field::u8(weather.uv_index, 10.0));
    payload.extend(field::u16(weather.wind_speed_m_s, 10.0).to_be_bytes());
    payload.push(second);
    payload.extend(field::u16(weather.wind_direction_deg, 1.0).to_be_bytes());
    payload.extend(field::u32(weather.rainfall_mm_h, 1000.0).to_be_bytes());
    payload.extend(field::u16(weather.pressure_pa, 0.1).to_be_bytes());
    if let Some(newer) = newer {
        payload.push(0x4C);
        payload.extend(field::u16(newer.gust_m_s, 10.0).to_be_bytes());
        payload.extend(field::u32(newer.rain_total_mm, 1000.0).to_be_bytes());
    }
    payload
}
