//! Devices are reached from here alone: only a key knows whose it is.

use std::sync::Arc;

use model::{Device, DeviceEui, Timestamp};
use store::{Binding, DeviceChange, DeviceFilter, UnboundDevice};

use super::{Caller, Editor, Steward, groups::FoundGroup};
use crate::{call, error::Refusal};

impl Caller {
    /// A device that the key reaches.
    pub(crate) async fn get_device(&self, eui: DeviceEui) -> Result<Arc<Device>, Refusal> {
        let device = self.find_device(eui).await?.ok_or(Refusal::ForeignDevice(eui))?;
        call::note(|notes| notes.device = Some(eui));
        Ok(device)
    }

    /// Devices that the key reaches, in the order of their labels: all of them or none.
    pub(crate) async fn get_devices(&self, euis: &[DeviceEui]) -> Result<Vec<Arc<Device>>, Refusal> {
        let mut devices = Vec::with_capacity(euis.len());
        for eui in euis {
            devices.push(self.get_device(*eui).await?);
        }
        Ok(devices)
    }

    /// Every device that a filter means and the key reaches, by ascending EUI.
    pub(crate) async fn list_devices(&self, filter: DeviceFilter) -> Result<Vec<Arc<Device>>, Refusal> {
        /// How many devices are asked of the store at once.
        const PAGE: usize = 1_000;
        let (mut devices, mut after) = (Vec::new(), None);
        loop {
            let page = self.api.store().list_devices(self.key.org, filter, after, PAGE).await?;
            let is_last = page.len() < PAGE;
            after = page.last().map(|device| device.eui);
            devices.extend(page.into_iter().filter(|device| self.reaches(device.group)));
            if is_last {
                return Ok(devices);
            }
        }
    }

    async fn find_device(&self, eui: DeviceEui) -> Result<Option<Arc<Device>>, Refusal> {
        let found = self.api.store().find_device(self.key.org, eui).await?;
        Ok(found.filter(|device| self.reaches(device.group)))
    }
}

impl Editor {
    /// Changes a device.
    pub(crate) async fn update_device(&self, device: &Device, change: DeviceChange) -> Result<(), store::Error> {
        self.api.store().update_device(self.key.org, device.eui, change).await
    }

    /// Says how often devices are to report, in minutes: all of them or none.
    pub(crate) async fn set_report_cycle(&self, devices: &[Arc<Device>], minutes: u16) -> Result<(), store::Error> {
        let euis: Vec<DeviceEui> = devices.iter().map(|device| device.eui).collect();
        self.api.store().set_report_cycle(self.key.org, &euis, minutes).await
    }

    /// What a device proves itself with, and what its reports are sent with.
    pub(crate) fn device_secrets(&self, device: &Device) -> (String, String) {
        let (station, org) = (self.api.station_key(), self.key.org);
        let key = station.device_key(org, device.eui, device.generation);
        (key, station.device_token(org, device.eui, device.generation))
    }

    /// Moves devices to a group, all of them or none.
    pub(crate) async fn move_devices(&self, devices: &[Arc<Device>], group: FoundGroup) -> Result<(), store::Error> {
        let euis: Vec<DeviceEui> = devices.iter().map(|device| device.eui).collect();
        self.api.store().move_devices_to_group(self.key.org, &euis, group.id()).await
    }

    /// Unbinds a device.
    pub(crate) async fn unbind_device(&self, device: &Device) -> Result<(), store::Error> {
        self.api.store().unbind_device(self.key.org, device.eui).await
    }
}

impl Steward {
    /// Whether the organization has a device.
    pub(crate) async fn has_device(&self, eui: DeviceEui) -> Result<bool, Refusal> {
        Ok(self.find_device(eui).await?.is_some())
    }

    /// What a device that the organization unbound would be bound with once more.
    pub(crate) async fn find_unbound_device(&self, eui: DeviceEui) -> Result<Option<Binding>, Refusal> {
        Ok(self.api.store().find_unbound_device(self.key.org, eui, self.api.now()).await?)
    }

    /// What is known of a device that a source of the organization brings uplinks of and that nobody has bound.
    pub(crate) async fn find_heard_device(&self, eui: DeviceEui) -> Result<Option<UnboundDevice>, Refusal> {
        Ok(self.api.store().find_unbound(self.key.org, eui).await?)
    }

    /// The time.
    pub(crate) fn now(&self) -> Timestamp {
        self.api.now()
    }

    /// As [`Steward::bind_device`], unless the organization has so many of that model already.
    pub(crate) async fn bind_device_within(
        &self,
        binding: Binding,
        devices_max: usize,
    ) -> Result<Arc<Device>, store::Error> {
        self.api.store().bind_device_within(Binding { org: self.key.org, ..binding }, devices_max).await
    }

    /// Binds a device, whatever organization the binding names to this one.
    pub(crate) async fn bind_device(&self, binding: Binding) -> Result<Arc<Device>, store::Error> {
        self.api.store().bind_device(Binding { org: self.key.org, ..binding }).await
    }
}
