//! What becomes known of a call while it is answered: who finds it out is far from where headers are written
//! and calls are counted.

use std::{cell::RefCell, sync::Arc, time::Duration};

use axum::http::HeaderValue;
use model::{AccessKey, DeviceEui, Hint};

use crate::limits::Standing;

/// What is known of a call.
#[derive(Debug, Default)]
pub(crate) struct Notes {
    /// When it began, counted from when the API was made.
    begun: Duration,
    /// Whose key it carried, once that is known to be good.
    pub(crate) key: Option<Arc<AccessKey>>,
    /// The pages that may read the answer, where that depends on where the call comes from.
    pub(crate) answer_origin: Option<HeaderValue>,
    /// The device that it is about, once the key is known to reach it.
    pub(crate) device: Option<DeviceEui>,
    /// How things stand with each limit of the key and its organization.
    pub(crate) standings: Vec<Standing>,
    /// What the caller may not know.
    pub(crate) hints: Vec<Hint>,
}

tokio::task_local! {
    static NOTES: RefCell<Notes>;
}

/// Answers a call, and tells what became known of it.
pub(crate) async fn with_notes<T>(begun: Duration, call: impl Future<Output = T>) -> (T, Notes) {
    let call = async { (call.await, NOTES.with(RefCell::take)) };
    NOTES.scope(RefCell::new(Notes { begun, ..Notes::default() }), call).await
}

/// Notes something; without a call around it nobody hears.
pub(crate) fn note(write: impl FnOnce(&mut Notes)) {
    let _unheard = NOTES.try_with(|notes| write(&mut notes.borrow_mut()));
}

/// When the call began, counted from when the API was made.
pub(crate) fn begun() -> Duration {
    NOTES.try_with(|notes| notes.borrow().begun).unwrap_or_default()
}
