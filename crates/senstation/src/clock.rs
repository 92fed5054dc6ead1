use std::time::{SystemTime, UNIX_EPOCH};

use model::Timestamp;

/// What the operating system says the time is; the one place that asks it.
#[expect(clippy::disallowed_methods, reason = "this is the place")]
pub(crate) fn now() -> Timestamp {
    let ms = |since: std::time::Duration| i64::try_from(since.as_millis()).unwrap_or(i64::MAX);
    match SystemTime::now().duration_since(UNIX_EPOCH) {
        Ok(since) => Timestamp::from_millis(ms(since)),
        Err(before) => Timestamp::from_millis(-ms(before.duration())),
    }
}
