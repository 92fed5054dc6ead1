//! The public API in process: the real router on a store, a clock that stands still.

#![allow(clippy::unwrap_used, reason = "a test that cannot set its scene fails")]

mod app;

mod gateway;
mod view_latest_telemetry_data;
mod view_organization;
