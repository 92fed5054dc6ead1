use anyhow::Context;
use clap::Subcommand;
use codec::Codec;
use model::{DeviceEui, DeviceKind, GeoPoint, OrgId};
use serde_json::{Value, json};
use store::{Binding, DeviceFilter, Registry};

use super::{Session, arguments, block_on, find_org};
use crate::{clock, control, output::table};

/// Devices that an organization has bound
#[derive(Debug, Subcommand)]
pub(super) enum Device {
    /// Bind a device; the organization that had it before gets its history back
    #[command(after_help = "\
Example:
  senstation device add --eui 2CF7F12004100005 --model S2101 --name \"Greenhouse 1\"

`senstation codec models` lists the models.")]
    Add {
        /// Whose device; may be left out while there is only one organization
        #[arg(long, value_name = "ORG_ID", value_parser = arguments::org)]
        org: Option<OrgId>,
        /// The 16 hex digits on its label
        #[arg(long)]
        eui: DeviceEui,
        /// Its product model, which chooses the codec
        #[arg(long, value_parser = arguments::model)]
        model: &'static Codec,
        /// What people call it
        #[arg(long, default_value = "", hide_default_value = true, value_parser = arguments::name)]
        name: String,
        /// The code on its label
        #[arg(long, default_value = "", hide_default_value = true, value_parser = arguments::name)]
        code: String,
        /// Where it stands, in degrees; north is positive
        #[arg(long, requires = "longitude", allow_negative_numbers = true, value_parser = degrees::<90>)]
        latitude: Option<f64>,
        /// Where it stands, in degrees; east is positive
        #[arg(long, requires = "latitude", allow_negative_numbers = true, value_parser = degrees::<180>)]
        longitude: Option<f64>,
    },
    /// List the devices
    #[command(after_help = "Example:\n  senstation device list --json")]
    List {
        /// Whose devices; may be left out while there is only one organization
        #[arg(long, value_name = "ORG_ID", value_parser = arguments::org)]
        org: Option<OrgId>,
    },
    /// Unbind a device; its history stays unless `--purge` is given
    #[command(after_help = "Example:\n  senstation device remove --eui 2CF7F12004100005")]
    Remove {
        /// Whose device; may be left out while there is only one organization
        #[arg(long, value_name = "ORG_ID", value_parser = arguments::org)]
        org: Option<OrgId>,
        /// The 16 hex digits on its label
        #[arg(long)]
        eui: DeviceEui,
        /// Erase everything it ever sent, for good
        #[arg(long)]
        purge: bool,
    },
}

const PAGE: usize = 1_000;

fn degrees<const MAX: i32>(text: &str) -> Result<f64, String> {
    let number = text.parse().ok().filter(|degrees: &f64| degrees.abs() <= f64::from(MAX));
    number.ok_or_else(|| format!("a number of degrees from -{MAX} to {MAX} is needed"))
}

impl Device {
    pub(super) fn run(self, session: &Session) -> anyhow::Result<()> {
        match self {
            Self::Add { org, eui, model, name, code, latitude, longitude } => session.with_registry(async |registry| {
                let model = model.model();
                let org = find_org(&*registry, org).await?.id;
                let place = latitude.zip(longitude).map(|(latitude, longitude)| GeoPoint { latitude, longitude });
                let binding = Binding {
                    org,
                    eui,
                    kind: DeviceKind::Node,
                    model: model.to_owned(),
                    name,
                    group: None,
                    place,
                    frequency: String::new(),
                    code,
                    bound_at: clock::now(),
                };
                let device = registry.bind_device(binding).await.with_context(|| format!("device `{eui}`"))?;
                session.output.show(&json(&device), format!("bound {eui} as {model}"))
            }),
            Self::List { org } => session.with_registry(async |registry| {
                let org = find_org(&*registry, org).await?.id;
                let devices = list(&*registry, org).await?;
                let rows: Vec<_> = devices
                    .iter()
                    .map(|device| {
                        [device.eui.to_string(), device.model.clone(), device.name.clone(), device.bound_at.to_string()]
                    })
                    .collect();
                let shown = devices.iter().map(|device| json(device)).collect();
                session.output.show(&Value::Array(shown), table(["eui", "model", "name", "bound_at"], &rows))
            }),
            Self::Remove { org, eui, purge: false } => session.with_registry(async |registry| {
                let org = find_org(&*registry, org).await?.id;
                registry.unbind_device(org, eui).await.with_context(|| format!("device `{eui}`"))?;
                let shown = json!({ "eui": eui.to_string(), "removed": true, "purged": false });
                session.output.show(&shown, format!("unbound {eui}; its history stays"))
            }),
            Self::Remove { org, eui, purge: true } => {
                let org = session.with_registry(async |registry| Ok(find_org(&*registry, org).await?.id))?;
                let settings = session.settings()?;
                block_on(control::ask(&settings, control::Request::PurgeDevice { org, eui }, "erasing"))?;
                let shown = json!({ "eui": eui.to_string(), "removed": true, "purged": true });
                session.output.show(&shown, format!("unbound {eui} and erased its history"))
            }
        }
    }
}

async fn list(registry: &dyn Registry, org: OrgId) -> anyhow::Result<Vec<std::sync::Arc<model::Device>>> {
    let mut devices: Vec<std::sync::Arc<model::Device>> = Vec::new();
    loop {
        let after = devices.last().map(|device| device.eui);
        let page = registry.list_devices(org, DeviceFilter::default(), after, PAGE).await?;
        let is_last = page.len() < PAGE;
        devices.extend(page);
        if is_last {
            return Ok(devices);
        }
    }
}

fn json(device: &model::Device) -> Value {
    json!({
        "eui": device.eui.to_string(),
        "org_id": device.org.to_string(),
        "model": device.model,
        "name": device.name,
        "code": device.code,
        "latitude": device.place.map(|place| place.latitude),
        "longitude": device.place.map(|place| place.longitude),
        "report_cycle_wanted_min": device.report_cycle_min,
        "bound_at": device.bound_at.to_string(),
    })
}
