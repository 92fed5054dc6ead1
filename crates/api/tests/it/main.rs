//! The public API in process: the real router on a store, a clock that stands still.

#![allow(clippy::unwrap_used, reason = "a test that cannot set its scene fails")]

mod app;

mod aggregate_chart_points;
mod gateway;
mod list_device_channels;
mod list_devices;
mod list_groups;
mod list_measurement_reference;
mod list_telemetry_data;
mod metering;
mod parameters;
mod refusals;
mod view_device_running_status;
mod view_devices;
mod view_latest_telemetry_data;
mod view_organization;
