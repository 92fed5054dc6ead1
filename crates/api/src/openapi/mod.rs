//! One endpoint, one file.

pub(crate) mod aggregate_chart_points;
pub(crate) mod ai;
pub(crate) mod bind_device;
pub(crate) mod channel;
pub(crate) mod create_group;
pub(crate) mod delete_devices;
pub(crate) mod delete_group;
pub(crate) mod device;
pub(crate) mod list_device_channels;
pub(crate) mod list_devices;
pub(crate) mod list_groups;
pub(crate) mod list_measurement_reference;
pub(crate) mod list_telemetry_data;
pub(crate) mod move_devices_to_group;
pub(crate) mod openapi_json;
pub(crate) mod update_device_report_cycle;
pub(crate) mod update_group;
pub(crate) mod view_device_running_status;
pub(crate) mod view_devices;
pub(crate) mod view_latest_telemetry_data;
pub(crate) mod view_organization;
pub(crate) mod view_simcard;
