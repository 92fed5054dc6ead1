use model::DeviceEui;
use serde::Deserialize;
use serde_json::json;

use super::Nothing;
use crate::{Answer, Client, Error};

/// A group of devices.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct Group {
    /// What people call it.
    pub group_name: String,
    /// 16 hex digits; empty for the default group.
    #[serde(default)]
    pub group_uuid: String,
}

impl Client {
    /// The number of the organization that the key belongs to.
    pub fn view_organization(&self) -> Result<Answer<String>, Error> {
        #[derive(Deserialize)]
        struct Organization {
            org_id: String,
        }
        let answer = self.get::<Organization>("view_organization", &[])?;
        Ok(Answer { data: answer.data.org_id, gateway: answer.gateway })
    }

    /// The groups, the default one among them.
    pub fn list_groups(&self) -> Result<Answer<Vec<Group>>, Error> {
        self.get("list_groups", &[])
    }

    /// Creates a group.
    pub fn create_group(&self, name: &str) -> Result<Answer<Group>, Error> {
        self.change("create_group", &json!({ "name": name }))
    }

    /// Renames a group.
    pub fn update_group(&self, group_uuid: &str, name: &str) -> Result<Answer<()>, Error> {
        nothing(self.change("update_group", &json!({ "group_uuid": group_uuid, "name": name })))
    }

    /// Deletes a group; its devices move to the default one.
    pub fn delete_group(&self, group_uuid: &str) -> Result<Answer<()>, Error> {
        nothing(self.change("delete_group", &json!({ "group_uuid": group_uuid })))
    }

    /// Moves devices, at most 50, into a group; the empty one is the default group.
    pub fn move_devices_to_group(&self, group_uuid: &str, devices: &[DeviceEui]) -> Result<Answer<()>, Error> {
        let devices: Vec<_> = devices.iter().map(ToString::to_string).collect();
        nothing(self.change("move_devices_to_group", &json!({ "group_uuid": group_uuid, "devices": devices })))
    }
}

/// An answer that says nothing but that it was done.
pub(super) fn nothing(answer: Result<Answer<Nothing>, Error>) -> Result<Answer<()>, Error> {
    answer.map(|answer| Answer { data: (), gateway: answer.gateway })
}
