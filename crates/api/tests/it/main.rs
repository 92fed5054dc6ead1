//! The public API in process: the real router on a store, a clock that stands still.

#![allow(clippy::unwrap_used, reason = "a test that cannot set its scene fails")]

mod aggregate_chart_points;
mod any_call;
mod app;
mod bind_device;
mod codes;
mod create_group;
mod delete_devices;
mod delete_group;
mod development_kits;
mod device_list_euis;
mod document;
mod gateway;
mod key_limits;
mod limits;
mod list_device_channels;
mod list_devices;
mod list_groups;
mod list_measurement_reference;
mod list_telemetry_data;
mod metering;
mod method_override;
mod move_devices_to_group;
mod parameters;
mod portal_login;
mod refusals;
mod sensor_definitions;
mod tolerances;
mod update_device_report_cycle;
mod update_group;
mod usage;
mod v1_data;
mod v1_device;
mod v1_gateway;
mod v1_group;
mod v1_lists;
mod v1_node;
mod versions;
mod view_device_running_status;
mod view_devices;
mod view_latest_telemetry_data;
mod view_organization;
mod view_simcard;
mod view_suggestion_by_measurements;
