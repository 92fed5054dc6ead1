//! Groups, devices and channels of the other station, as this one gets them.

use std::collections::BTreeMap;

use client::{AsyncClient, DeviceType};
use model::{Channel, ChannelIndex, DeviceEui, DeviceKind, GeoPoint, Group, GroupId, OrgId, Timestamp};
use store::{Binding, Registry};

use super::state::{Copied, series};

/// What a device is said to be whose product model its station does not tell.
const UNKNOWN_MODEL: &str = "SenseCAP";

/// What the other station has.
#[derive(Debug, Default)]
pub(super) struct Inventory {
    pub(super) groups: Vec<client::Group>,
    nodes: Vec<Found>,
    gateways: Vec<Found>,
    /// In minutes, where the station knows.
    pub(super) intervals: BTreeMap<DeviceEui, i64>,
}

#[derive(Debug)]
struct Found {
    eui: DeviceEui,
    name: String,
    group: Option<GroupId>,
    place: Option<GeoPoint>,
    frequency: String,
    channels: Vec<client::Channel>,
}

impl Inventory {
    /// Asks for everything that costs no data.
    pub(super) async fn ask(client: &AsyncClient) -> Result<Self, client::Error> {
        client.call(Self::fetch).await
    }

    fn fetch(client: &client::Client) -> Result<Self, client::Error> {
        let groups = client.list_groups()?.data;
        let mut inventory = Self { groups, ..Self::default() };
        for kind in [DeviceType::Node, DeviceType::Gateway] {
            let listed = client.list_devices(kind, None)?.data;
            if listed.is_empty() {
                continue;
            }
            let mut group_of = BTreeMap::new();
            for group in inventory.groups.iter().filter(|group| !group.group_uuid.is_empty()) {
                let Ok(id) = group.group_uuid.parse::<GroupId>() else { continue };
                for device in client.list_devices(kind, Some(&group.group_uuid))?.data {
                    group_of.insert(device.device_eui, id);
                }
            }
            let euis: Vec<_> = listed.iter().map(|device| device.device_eui).collect();
            let mut info: BTreeMap<_, _> =
                client.view_devices(&euis)?.data.into_iter().map(|info| (info.device_eui, info)).collect();
            let mut channels: BTreeMap<_, _> = BTreeMap::new();
            if kind == DeviceType::Node {
                let all = client.list_device_channels(&euis)?.data;
                channels.extend(all.into_iter().map(|of| (of.device_eui, of.channels)));
                for status in client.view_device_running_status(&euis)?.data {
                    inventory.intervals.insert(status.device_eui, status.report_frequency);
                }
            }
            let found = listed.into_iter().map(|device| {
                let eui = device.device_eui;
                let info = info.remove(&eui);
                let place = info.as_ref().map(|info| info.position);
                let place = place.filter(|place| (place.latitude, place.longitude) != (0.0, 0.0));
                Found {
                    eui,
                    name: device.device_name,
                    group: group_of.get(&eui).copied(),
                    place: place.map(|at| GeoPoint { latitude: at.latitude, longitude: at.longitude }),
                    frequency: info.map(|info| info.frequency).unwrap_or_default(),
                    channels: channels.remove(&eui).unwrap_or_default(),
                }
            });
            match kind {
                DeviceType::Node => inventory.nodes = found.collect(),
                DeviceType::Gateway => inventory.gateways = found.collect(),
            }
        }
        Ok(inventory)
    }

    /// The nodes with what they measure.
    pub(super) fn copied(&self) -> Vec<Copied> {
        let of = |found: &Found| {
            let channels = found.channels.iter();
            let series = channels.flat_map(|channel| series(channel.channel_index, &channel.measurement_ids)).collect();
            Copied { eui: found.eui, series }
        };
        self.nodes.iter().map(of).collect()
    }

    /// The names of the nodes, in the order of [`copied`](Self::copied).
    pub(super) fn names(&self) -> impl Iterator<Item = String> {
        self.nodes.iter().map(|found| found.name.clone())
    }

    /// The groups but the default one, which has no id.
    pub(super) fn group_names(&self) -> Vec<String> {
        let named = self.groups.iter().filter(|group| !group.group_uuid.is_empty());
        named.map(|group| group.group_name.clone()).collect()
    }

    pub(super) fn gateway_count(&self) -> usize {
        self.gateways.len()
    }

    /// Adds what the organization does not have; what it has stays as it is.
    pub(super) async fn copy(&self, registry: &dyn Registry, org: OrgId, now: Timestamp) -> Result<u64, store::Error> {
        let have = registry.list_groups(org).await?;
        let mut groups: BTreeMap<GroupId, GroupId> = BTreeMap::new();
        for group in &self.groups {
            // The default group has no id.
            let Ok(id) = group.group_uuid.parse::<GroupId>() else { continue };
            let same = have.iter().find(|other| other.id == id || other.name == group.group_name);
            let ours = match same {
                Some(same) => same.id,
                None => {
                    registry.create_group(Group { id, org, name: group.group_name.clone() }).await?;
                    id
                }
            };
            groups.insert(id, ours);
        }
        let mut added = 0;
        for (kind, found) in [(DeviceKind::Node, &self.nodes), (DeviceKind::Gateway, &self.gateways)] {
            for device in found {
                if registry.find_device(org, device.eui).await?.is_some() {
                    continue;
                }
                registry
                    .bind_device(Binding {
                        org,
                        eui: device.eui,
                        kind,
                        model: UNKNOWN_MODEL.to_owned(),
                        name: device.name.clone(),
                        group: device.group.and_then(|group| groups.get(&group).copied()),
                        place: device.place,
                        frequency: device.frequency.clone(),
                        code: String::new(),
                        bound_at: now,
                    })
                    .await?;
                for channel in &device.channels {
                    let channel = described(channel, now);
                    registry.describe_channel(org, device.eui, channel).await?;
                }
                added += 1;
            }
        }
        Ok(added)
    }
}

fn described(channel: &client::Channel, now: Timestamp) -> Channel {
    Channel {
        index: ChannelIndex(channel.channel_index),
        name: channel.channel_name.clone(),
        sensor_type: Some(channel.sensor_type.clone()).filter(|kind| !kind.is_empty()),
        sensor_id: channel.sensor_id.clone(),
        measurements: channel.measurement_ids.clone(),
        created_at: now,
    }
}
