use model::{DeviceEui, SeriesKey, Timestamp};

use crate::{Client, Error, Gateway, Point, SeriesAsked};

/// What a station answers a call with, at most.
const POINTS_MAX: usize = 1_000;
/// A month, as far as every month goes.
const SLICE_MS: i64 = 28 * 24 * 3_600_000;

/// The history of one series, page by page, newest first.
///
/// One series is asked for at a time: a page of several stalls where a sparse one holds the newest
/// instant. Each call is about a month at most, so that a station that clips windows leaves nothing
/// out.
#[derive(Debug, Clone)]
pub struct History {
    device: DeviceEui,
    series: SeriesKey,
    start: Timestamp,
    /// What is still to be read ends here; inclusive.
    end: Timestamp,
}

impl History {
    /// The points from `start` to `end`, both inclusive.
    pub fn of(device: DeviceEui, series: SeriesKey, start: Timestamp, end: Timestamp) -> Self {
        Self { device, series, start, end }
    }

    /// Where what is still to be read ends; inclusive. To go on elsewhere later, make another one
    /// that ends here.
    pub fn end(&self) -> Timestamp {
        self.end
    }

    /// The next page, which may be empty; `None` when everything has been read. After an error the
    /// same page may be asked for again.
    ///
    /// **Errors**: as every call.
    pub fn next(&mut self, client: &Client) -> Result<Option<(Vec<Point>, Gateway)>, Error> {
        if self.end < self.start {
            return Ok(None);
        }
        let slice = self.end.minus_ms(SLICE_MS).max(self.start);
        let answer = client.list_telemetry_data(SeriesAsked {
            device: self.device,
            channel: Some(self.series.channel),
            measurement: Some(self.series.measurement),
            start: slice,
            end: self.end,
        })?;
        let series = answer.data.into_iter().filter(|series| series.key == self.series);
        let mut points: Vec<Point> = series.flat_map(|series| series.points).collect();
        // What was not asked for must not lead anywhere.
        points.retain(|point| (slice..=self.end).contains(&point.time));
        let oldest = points.iter().map(|point| point.time).min();
        self.end = match oldest {
            Some(oldest) if points.len() >= POINTS_MAX => oldest.minus_ms(1),
            _ => slice.minus_ms(1),
        };
        Ok(Some((points, answer.gateway)))
    }
}
