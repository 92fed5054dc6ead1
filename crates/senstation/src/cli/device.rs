use anyhow::Context;
use clap::Subcommand;
use ingest::Adopted;
use model::{Channel, ChannelIndex, ChannelMap, DeviceEui, DeviceKind, GeoPoint, OrgId};
use serde_json::{Value, json};
use store::{Binding, DeviceChange, DeviceFilter, Registry, UnboundDevice};

use super::{Session, arguments, block_on, find_org};
use crate::{clock, control, output::table, station::Station};

/// Devices that an organization has bound
#[derive(Debug, Subcommand)]
pub(super) enum Device {
    /// Bind a device; what was kept of it before, and what the organization had of it, becomes its history
    #[command(
        visible_alias = "bind",
        after_help = "\
Example:
  senstation device add --eui 2CF7F12004100005 --model S2101 --name \"Greenhouse 1\"

`senstation codec models` lists the models, `senstation device unbound` what is heard and not bound yet."
    )]
    Add {
        /// Whose device; may be left out while there is only one organization
        #[arg(long, value_name = "ORG_ID", value_parser = arguments::org)]
        org: Option<OrgId>,
        /// The 16 hex digits on its label
        #[arg(long)]
        eui: DeviceEui,
        /// Its product model, which chooses the codec; may be left out where its source says it
        #[arg(long)]
        model: Option<String>,
        /// What people call it; what its source does if left out
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
    /// Change a device: what comes from now on is decoded with its new model and channel map
    #[command(after_help = "\
Examples:
  senstation device change --eui 2CF7F12004100005 --model S2103
  senstation device change --eui 2CF7F12004100005 --channel-map 1/4165=4102,2/4165=4103

What it sent before follows by `senstation codec replay`. `--channel-map \"\"` takes the map away.")]
    Change {
        /// Whose device; may be left out while there is only one organization
        #[arg(long, value_name = "ORG_ID", value_parser = arguments::org)]
        org: Option<OrgId>,
        /// The 16 hex digits on its label
        #[arg(long)]
        eui: DeviceEui,
        /// Its product model, which chooses the codec
        #[arg(long)]
        model: Option<String>,
        /// What people call it
        #[arg(long, value_parser = arguments::name)]
        name: Option<String>,
        /// What measurements of its channels stand for: `CHANNEL/ID=ID`, several joined by commas
        #[arg(long, value_name = "MAP")]
        channel_map: Option<ChannelMap>,
    },
    /// Describe a channel of a device
    #[command(after_help = "\
Example:
  senstation device channel --eui 2CF7F12004100005 --index 1 --name \"North bed\" --sensor-type 1006

Without `--sensor-type` the type follows from what the channel measures.")]
    Channel {
        /// Whose device; may be left out while there is only one organization
        #[arg(long, value_name = "ORG_ID", value_parser = arguments::org)]
        org: Option<OrgId>,
        /// The 16 hex digits on the device's label
        #[arg(long)]
        eui: DeviceEui,
        /// Which channel
        #[arg(long)]
        index: u16,
        /// What people call it
        #[arg(long, default_value = "", hide_default_value = true, value_parser = arguments::name)]
        name: String,
        /// The type of its sensor, such as 1001
        #[arg(long, value_name = "TYPE", value_parser = sensor_type)]
        sensor_type: Option<String>,
    },
    /// List the devices
    #[command(after_help = "Example:\n  senstation device list --json")]
    List {
        /// Whose devices; may be left out while there is only one organization
        #[arg(long, value_name = "ORG_ID", value_parser = arguments::org)]
        org: Option<OrgId>,
    },
    /// List the devices that sources bring uplinks of and that nobody has bound
    #[command(after_help = "Example:\n  senstation device unbound")]
    Unbound {
        /// Whose sources; may be left out while there is only one organization
        #[arg(long, value_name = "ORG_ID", value_parser = arguments::org)]
        org: Option<OrgId>,
    },
    /// Forget a device that nobody has bound, and what is kept of it
    #[command(after_help = "Example:\n  senstation device forget --eui 2CF7F12004100005")]
    Forget {
        /// Whose source; may be left out while there is only one organization
        #[arg(long, value_name = "ORG_ID", value_parser = arguments::org)]
        org: Option<OrgId>,
        /// The 16 hex digits on its label
        #[arg(long)]
        eui: DeviceEui,
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
/// Most devices that are listed that nobody has bound.
const UNBOUND_MAX: usize = 10_000;

fn degrees<const MAX: i32>(text: &str) -> Result<f64, String> {
    let number = text.parse().ok().filter(|degrees: &f64| degrees.abs() <= f64::from(MAX));
    number.ok_or_else(|| format!("a number of degrees from -{MAX} to {MAX} is needed"))
}

fn sensor_type(text: &str) -> Result<String, String> {
    let known = model::sensor_type(text).map(|known| known.id.to_owned());
    known.ok_or_else(|| format!("there is no type of sensors `{text}`"))
}

impl Device {
    pub(super) fn run(self, session: &Session) -> anyhow::Result<()> {
        match self {
            Self::Add { org, eui, model, name, code, latitude, longitude } => session.with_registry(async |registry| {
                let org = find_org(&*registry, org).await?.id;
                let heard = registry.find_unbound(org, eui).await?;
                let guessed = || heard.as_ref().map(|heard| heard.model.clone()).filter(|model| !model.is_empty());
                let model = model.or_else(guessed).with_context(|| {
                    format!("no source says which model `{eui}` is; say it with `--model`")
                })?;
                let model = arguments::find_model(&*registry, org, &model).await?;
                let name = if name.is_empty() { heard.map(|heard| heard.name).unwrap_or_default() } else { name };
                let place = latitude.zip(longitude).map(|(latitude, longitude)| GeoPoint { latitude, longitude });
                let binding = Binding {
                    org,
                    eui,
                    kind: DeviceKind::Node,
                    model: model.clone(),
                    name,
                    group: None,
                    place,
                    frequency: String::new(),
                    code,
                    bound_at: clock::now(),
                };
                let device = registry.bind_device(binding).await.with_context(|| format!("device `{eui}`"))?;
                let has_kept = !registry.list_unbound_uplinks(org, eui, 1).await?.is_empty();
                let adopted = if has_kept { adopt(session, org, eui).await? } else { None };
                let mut shown = json(&device);
                if has_kept {
                    shown["adopted"] = adopted.map_or(Value::Null, |adopted| {
                        json!({
                            "uplinks": adopted.uplinks,
                            "readings": adopted.readings,
                            "undecodable": adopted.undecodable,
                        })
                    });
                }
                let history = match (has_kept, adopted) {
                    (false, _) => String::new(),
                    (true, None) => "; the running station decodes what was kept of it".to_owned(),
                    (true, Some(Adopted { uplinks, readings, undecodable })) => format!(
                        "; {uplinks} uplinks that were kept gave {readings} readings, {undecodable} could not be decoded"
                    ),
                };
                session.output.show(&shown, format!("bound {eui} as {model}{history}"))
            }),
            Self::Unbound { org } => session.with_registry(async |registry| {
                let org = find_org(&*registry, org).await?.id;
                let devices = registry.list_unbound(org, UNBOUND_MAX).await?;
                let lost = registry.count_unbound_lost(org).await?;
                let cells = |device: &UnboundDevice| {
                    let UnboundDevice { model, name, first_heard_at, last_heard_at, kept, dropped, .. } = device.clone();
                    let (eui, source) = (device.eui.to_string(), device.source.to_string());
                    let (first, last) = (first_heard_at.to_string(), last_heard_at.to_string());
                    [eui, source, model, name, first, last, kept.to_string(), dropped.to_string()]
                };
                let rows: Vec<_> = devices.iter().map(cells).collect();
                let headings =
                    ["eui", "source_id", "model", "name", "first_heard_at", "last_heard_at", "kept", "dropped"];
                let mut text = table(headings, &rows);
                if lost > 0 {
                    text += &format!("\n{lost} uplinks went with devices that made room for others");
                }
                let shown = devices.iter().map(|device| {
                    json!({
                        "eui": device.eui.to_string(),
                        "source_id": device.source.to_string(),
                        "model": (!device.model.is_empty()).then_some(&device.model),
                        "name": device.name,
                        "first_heard_at": device.first_heard_at.to_string(),
                        "last_heard_at": device.last_heard_at.to_string(),
                        "kept": device.kept,
                        "dropped": device.dropped,
                    })
                });
                session.output.show(&Value::Array(shown.collect()), text)
            }),
            Self::Forget { org, eui } => session.with_registry(async |registry| {
                let org = find_org(&*registry, org).await?.id;
                registry.forget_unbound(org, eui).await.with_context(|| format!("device `{eui}`"))?;
                session.output.show(&json!({ "eui": eui.to_string(), "forgotten": true }), format!("forgot {eui}"))
            }),
            Self::Change { org, eui, model, name, channel_map } => session.with_registry(async |registry| {
                let org = find_org(&*registry, org).await?.id;
                let model = match model {
                    Some(model) => Some(arguments::find_model(&*registry, org, &model).await?),
                    None => None,
                };
                let change = DeviceChange { name, model, channel_map, ..DeviceChange::default() };
                registry.update_device(org, eui, change).await.with_context(|| format!("device `{eui}`"))?;
                let device = registry.find_device(org, eui).await?.with_context(|| format!("device `{eui}`"))?;
                session.output.show(&json(&device), format!("changed {eui}; it holds for what comes from now on"))
            }),
            Self::Channel { org, eui, index, name, sensor_type } => session.with_registry(async |registry| {
                let org = find_org(&*registry, org).await?.id;
                let device = registry.find_device(org, eui).await?.with_context(|| format!("no device `{eui}`"))?;
                let index = ChannelIndex(index);
                let known = device.channels.iter().find(|channel| channel.index == index).cloned();
                let known = known.unwrap_or_else(|| Channel {
                    index,
                    name: String::new(),
                    sensor_type: None,
                    sensor_id: String::new(),
                    measurements: Vec::new(),
                    created_at: clock::now(),
                });
                let channel = Channel { name, sensor_type, ..known };
                let shown = json!({
                    "eui": eui.to_string(),
                    "index": index.0,
                    "name": channel.name,
                    "sensor_type": channel.sensor_type,
                });
                registry.describe_channel(org, eui, channel).await.with_context(|| format!("device `{eui}`"))?;
                session.output.show(&shown, format!("described channel {index} of {eui}"))
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

/// Makes what was kept of a device its history, unless a station runs, which then does so itself.
async fn adopt(session: &Session, org: OrgId, eui: DeviceEui) -> anyhow::Result<Option<Adopted>> {
    let Ok(station) = Station::open(&session.settings()?) else { return Ok(None) };
    let adopted = ingest::adopt(&*station.store(), station.scripts(), org, eui).await;
    station.close().await?;
    Ok(Some(adopted?))
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
        "channel_map": device.channel_map.to_string(),
        "report_cycle_wanted_min": device.report_cycle_min,
        "bound_at": device.bound_at.to_string(),
    })
}
