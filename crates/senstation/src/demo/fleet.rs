//! The devices, and what they send when.

use codec::encode::{self, Battery, DeviceInfo, GustAndRain, Weather};
use ingest::{MessageKind, dedup_key};
use model::{DeviceEui, Frame, Reception, Timestamp, Uplink};

use super::{Owner, climate::Climate, ground::Ground, noise::Noise, tracks::Tracks};

const DAY_MS: i64 = 24 * 3_600_000;

/// A device of the fleet.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Member {
    pub(super) number: u8,
    pub(super) model: &'static str,
    pub(super) name: &'static str,
    interval_min: u16,
    habit: Habit,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Habit {
    /// Works as it should.
    Well,
    /// Has sent nothing for three days when the demo is first started.
    FallenSilent,
    /// Has little charge left by then.
    LowBattery,
}

const fn member(number: u8, model: &'static str, name: &'static str, interval_min: u16, habit: Habit) -> Member {
    Member { number, model, name, interval_min, habit }
}

pub(super) const GREENHOUSE: Member = member(1, "S2101", "Greenhouse", 5, Habit::Well);
pub(super) const WEATHER_STATION: Member = member(5, "S2120", "Weather station", 5, Habit::Well);

pub(super) const MEMBERS: [Member; 10] = [
    GREENHOUSE,
    member(2, "S2103", "Greenhouse CO2", 10, Habit::Well),
    member(3, "S2104", "Orchard soil", 10, Habit::Well),
    member(4, "S2105", "Field soil", 10, Habit::Well),
    WEATHER_STATION,
    member(6, "S2107", "Cold store", 5, Habit::Well),
    member(7, "S2102", "Hedge light", 10, Habit::FallenSilent),
    member(8, "S2101", "Cellar", 10, Habit::LowBattery),
    member(9, "T1000-A", "Tractor", 5, Habit::Well),
    member(10, "T2000", "Hay cart", 30, Habit::Well),
];

impl Member {
    pub(super) fn eui(&self) -> DeviceEui {
        DeviceEui::from_raw(0x2CF7_F1C0_DE00_0000 | u64::from(self.number))
    }

    fn interval_ms(&self) -> i64 {
        i64::from(self.interval_min) * 60_000
    }
}

/// Every device, and the ground they stand on.
pub(crate) struct Fleet {
    origin: Timestamp,
    first_start: Timestamp,
    noise: Noise,
    climate: Climate,
    ground: Ground,
    tracks: Tracks,
}

impl Fleet {
    pub(super) fn new(owner: &Owner) -> Self {
        let noise = Noise(owner.seed);
        let climate = Climate::new(noise.branch(0));
        let ground = Ground::new(climate, owner.origin);
        let tracks = Tracks::new(noise.branch(1), climate);
        Self { origin: owner.origin, first_start: owner.first_start, noise, climate, ground, tracks }
    }

    /// What arrives after `after` and not after `until`, in the order of arrival. Time only moves
    /// forward from call to call.
    pub(super) fn uplinks(&mut self, owner: &Owner, after: Timestamp, until: Timestamp) -> Vec<Uplink> {
        let mut due: Vec<(Member, i64, Timestamp, Timestamp)> = Vec::new();
        for member in MEMBERS {
            // Jitter and travel take less than one interval.
            let first = (after.since_ms(self.origin).div_euclid(member.interval_ms()) - 1).max(0);
            for count in first.. {
                let (sent_at, received_at) = self.times(member, count);
                if received_at > until {
                    break;
                }
                let is_out_of_reach = member.model == "T1000-A" && Tracks::is_out_of_reach(count);
                if received_at > after && !self.is_silent(member, sent_at) && !is_out_of_reach {
                    due.push((member, count, sent_at, received_at));
                }
            }
        }
        due.sort_by_key(|(_, _, _, received_at)| *received_at);
        due.into_iter()
            .map(|(member, count, sent, received)| self.uplink(owner, member, count, sent, received))
            .collect()
    }

    fn times(&self, member: Member, count: i64) -> (Timestamp, Timestamp) {
        let noise = self.noise.branch(u64::from(member.number));
        let phase_ms = member.interval_ms() * i64::from(member.number % 9) / 9;
        let jitter_ms = (4_000.0 * noise.at(2 * count)) as i64;
        let sent_at = self.origin.plus_ms(phase_ms + count * member.interval_ms() + jitter_ms);
        (sent_at, sent_at.plus_ms(150 + (600.0 * noise.at(2 * count + 1)) as i64))
    }

    fn is_silent(&self, member: Member, at: Timestamp) -> bool {
        member.habit == Habit::FallenSilent && at > self.first_start.minus_ms(3 * DAY_MS)
    }

    fn uplink(
        &mut self,
        owner: &Owner,
        member: Member,
        count: i64,
        sent_at: Timestamp,
        received_at: Timestamp,
    ) -> Uplink {
        let (f_port, payload) = self.payload(member, count, sent_at);
        let f_cnt = u32::try_from(count).ok();
        let heard = self.noise.branch(100 + u64::from(member.number)).curve(count as f64, 12.0);
        let reception = Reception {
            gateway: "2cf7f1c0de0000ff".into(),
            rssi_dbm: (-88.0 - 3.0 * f64::from(member.number) + 6.0 * heard) as i16,
            snr_db: ((7.0 + 3.0 * heard) * 10.0).round() as f32 / 10.0,
        };
        let frame = Frame {
            f_port,
            f_cnt,
            payload: payload.into(),
            frequency_hz: 868_100_000 + 200_000 * u32::from(member.number % 3),
            data_rate: Some(5),
            receptions: vec![reception],
            fault: None,
        };
        let eui = member.eui();
        Uplink {
            org: owner.org,
            source: owner.source.id,
            eui,
            sent_at,
            received_at,
            dedup: dedup_key(owner.source.id, MessageKind::Uplink, None, eui, f_cnt, sent_at),
            frame,
            model_hints: Vec::new(),
            name_hint: String::new(),
        }
    }

    fn payload(&mut self, member: Member, count: i64, at: Timestamp) -> (u8, Vec<u8>) {
        let percent = self.battery_percent(member, at);
        let info = DeviceInfo { percent, hardware: (2, 0), firmware: (2, 1), interval_min: member.interval_min };
        let battery = (count % 20 == 0).then_some(Battery { percent, interval_min: member.interval_min });
        match member.model {
            "T1000-A" => {
                // What could not be sent on time comes along, oldest last.
                let counts = (0..=Tracks::held_back(count)).map(|back| count - back);
                let records = counts.map(|count| self.tracks.tractor(self.times(member, count).0, percent));
                return (5, records.flat_map(|record| encode::t1000(&record)).collect());
            }
            "T2000" => return (5, encode::t2000(&self.tracks.cart(at, percent))),
            "S2120" | "S2107" => {}
            _ if count == 0 => return (2, encode::family_a_info(info)),
            _ => {}
        }
        self.ground.pass(at);
        let (sky, ground) = (self.climate.sky(at), &self.ground);
        let flutter = self.noise.branch(200 + u64::from(member.number)).curve(count as f64, 1.0);
        let hours = at.as_millis() as f64 / 3_600_000.0;
        let warmed_c = (sky.air_c + 0.00011 * sky.light_lux).max(14.0) + 0.1 * flutter;
        match member.model {
            "S2101" if member.habit == Habit::LowBattery => {
                let cellar_c = 0.75 * ground.soil_c + 3.0 + 0.05 * flutter;
                (2, encode::family_a(&[(1, 4097, tenths(cellar_c)), (1, 4098, tenths(82.0 + 2.0 * flutter))], battery))
            }
            "S2101" => {
                let humid = (sky.humidity_percent + 6.0).min(98.0) + 0.3 * flutter;
                (2, encode::family_a(&[(1, 4097, tenths(warmed_c)), (1, 4098, tenths(humid))], battery))
            }
            "S2102" => (2, encode::family_a(&[(1, 4099, (sky.light_lux * 0.4).round())], battery)),
            "S2103" => {
                // Plants breathe out at night and take in by day.
                let co2 = 520.0 - 330.0 * sky.sun.clamp(-0.3, 0.4) + 12.0 * flutter;
                let humid = (sky.humidity_percent + 6.0).min(98.0);
                let readings = [(1, 4097, tenths(warmed_c)), (1, 4098, tenths(humid)), (1, 4100, co2.round())];
                (2, encode::family_a(&readings, battery))
            }
            "S2104" => {
                let readings = [(1, 4102, tenths(ground.soil_c)), (1, 4103, tenths(ground.moisture_percent))];
                (2, encode::family_a(&readings, battery))
            }
            "S2105" => {
                let (soil_c, moisture) = (ground.soil_c + 0.6, 0.9 * ground.moisture_percent);
                let conductivity = (10.0 * (0.15 + 0.021 * moisture)).round() / 10.0;
                let readings = [(1, 4102, tenths(soil_c)), (1, 4103, tenths(moisture)), (1, 4108, conductivity)];
                (2, encode::family_a(&readings, battery))
            }
            "S2120" => {
                let weather = Weather {
                    temperature_c: sky.air_c,
                    humidity_percent: sky.humidity_percent,
                    light_lux: sky.light_lux,
                    uv_index: sky.uv_index,
                    wind_speed_m_s: sky.wind_m_s,
                    wind_direction_deg: sky.wind_deg,
                    rainfall_mm_h: tenths(sky.rain_mm_h),
                    pressure_pa: sky.pressure_pa,
                    gust_and_rain: Some(GustAndRain { gust_m_s: sky.gust_m_s, rain_total_mm: tenths(ground.rain_mm) }),
                };
                let mut payload = if count % 288 == 0 { encode::device_info(info) } else { Vec::new() };
                payload.extend(encode::s2120(weather));
                (3, payload)
            }
            _ => {
                // The freezer thaws itself four times a day; nobody has plugged in a third probe.
                let thaw = (1.0 - (hours / 6.0).fract() * 14.0).max(0.0);
                let freezer_c = -18.4 + 0.5 * flutter + 6.0 * thaw;
                let store_c = 3.8 + 0.4 * (hours * 4.0).sin() + 0.1 * flutter;
                let mut payload = if count % 288 == 0 { encode::s2107_info(info) } else { Vec::new() };
                payload.extend(encode::s2107([Some(tenths(freezer_c)), Some(tenths(store_c)), None]));
                (3, payload)
            }
        }
    }

    fn battery_percent(&self, member: Member, at: Timestamp) -> u8 {
        let days_to_start = self.first_start.since_ms(at) as f64 / DAY_MS as f64;
        let percent = match member.habit {
            Habit::LowBattery => 9.0 + 0.45 * days_to_start,
            _ => 96.0 - f64::from(member.number) + 0.02 * days_to_start,
        };
        percent.clamp(1.0, 100.0) as u8
    }
}

fn tenths(number: f64) -> f64 {
    (number * 10.0).round() / 10.0
}

#[cfg(test)]
mod tests {
    use codec::Codec;

    use super::*;

    const ORIGIN: Timestamp = Timestamp::from_millis(1_775_000_000_000);

    fn owner() -> Owner {
        Owner::of_seed(7, ORIGIN, ORIGIN.plus_ms(90 * DAY_MS))
    }

    #[test]
    fn every_payload_decodes_without_a_word() {
        let owner = owner();
        let uplinks = Fleet::new(&owner).uplinks(&owner, ORIGIN, ORIGIN.plus_ms(2 * DAY_MS));
        assert!(uplinks.len() > 2_500, "{}", uplinks.len());
        for uplink in uplinks {
            let member = MEMBERS.into_iter().find(|member| member.eui() == uplink.eui).unwrap();
            let codec = Codec::find(member.model).unwrap();
            let decoded = codec.decode(uplink.frame.f_port, &uplink.frame.payload).unwrap();
            assert!(decoded.warnings.is_empty() && !decoded.rows.is_empty(), "{member:?} {decoded:?}");
        }
    }

    #[test]
    fn what_is_sent_does_not_depend_on_when_it_is_asked_for() {
        let owner = owner();
        let until = ORIGIN.plus_ms(DAY_MS);
        let at_once = Fleet::new(&owner).uplinks(&owner, ORIGIN, until);
        let (mut fleet, mut piecewise, mut at) = (Fleet::new(&owner), Vec::new(), ORIGIN);
        while at < until {
            let next = at.plus_ms(1_234_567).min(until);
            piecewise.extend(fleet.uplinks(&owner, at, next));
            at = next;
        }
        assert_eq!(piecewise, at_once);
        let resumed = Fleet::new(&owner).uplinks(&owner, at_once[100].received_at, until);
        assert_eq!(resumed, at_once[101..]);
    }

    #[test]
    fn one_falls_silent_and_one_runs_low() {
        let owner = owner();
        let start = owner.first_start;
        let mut fleet = Fleet::new(&owner);
        let last_week = fleet.uplinks(&owner, start.minus_ms(7 * DAY_MS), start);
        let hedge = last_week.iter().filter(|uplink| uplink.eui == MEMBERS[6].eui());
        let silent_for_ms = start.since_ms(hedge.map(|uplink| uplink.sent_at).max().unwrap());
        assert!((3 * DAY_MS..3 * DAY_MS + 700_000).contains(&silent_for_ms), "{silent_for_ms}");
        assert_eq!(fleet.battery_percent(MEMBERS[7], start), 9);
        assert!(fleet.battery_percent(MEMBERS[0], start) > 90);
    }
}
