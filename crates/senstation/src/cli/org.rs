use std::num::NonZero;

use anyhow::Context;
use clap::Subcommand;
use model::{GroupId, Keep, OrgId, OrgLimits, Organization, Retention};
use serde_json::{Value, json};

use super::{
    Session,
    arguments::{self, Kept},
    block_on, find_org,
    limit::{self, Limits, Wanted},
};
use crate::{clock, control, credentials, output::table, retention};

/// Owners of devices, access keys and data
#[derive(Debug, Subcommand)]
pub(super) enum Org {
    /// Create an organization
    #[command(after_help = "Example:\n  senstation org create --name \"Hill Farm\"")]
    Create {
        /// What people call it
        #[arg(long, value_parser = arguments::name_required)]
        name: String,
    },
    /// Limit what the keys of an organization may use together, and what its devices may send; a running station
    /// keeps to it within a second. What is left out stays as it is
    #[command(after_help = "Examples:\n  senstation org limit --rate 600 --burst 60\n  \
                             senstation org limit --dm 1000000 --per month\n  senstation org limit --dm off")]
    Limit {
        /// Which organization; may be left out while there is only one
        #[arg(long, value_name = "ORG_ID", value_parser = arguments::org)]
        org: Option<OrgId>,
        #[command(flatten)]
        limits: Limits,
        /// How many data devices may send in each period; beyond it they are stored, and nothing can be read until the
        /// next; `off` lifts the limit
        #[arg(long, value_name = "N|off")]
        um: Option<Wanted<NonZero<u64>>>,
    },
    /// Say how long an organization, or one of its groups, keeps history; without days, show what is said.
    ///
    /// What a group says goes before what its organization says, and that before the settings; a device in no group
    /// follows the organization, one that is unbound the group it was in. A running station removes what is older for
    /// good, within the hour and then day by day.
    #[command(after_help = "Examples:\n  senstation org retention --readings-days 730 --frames-days 90 --dry-run\n  \
                             senstation org retention --group 0123456789ABCDEF --readings-days forever\n  \
                             senstation org retention --readings-days default")]
    Retention {
        /// Which organization; may be left out while there is only one
        #[arg(long, value_name = "ORG_ID", value_parser = arguments::org)]
        org: Option<OrgId>,
        /// What a group says, not the organization
        #[arg(long, value_name = "GROUP_ID", value_parser = arguments::group)]
        group: Option<GroupId>,
        /// How long readings are kept, by when they were measured; `default` says nothing
        #[arg(long, value_name = "DAYS|forever|default", value_parser = arguments::keep)]
        readings_days: Option<Kept>,
        /// How long raw frames are kept, by when they were received
        #[arg(long, value_name = "DAYS|forever|default", value_parser = arguments::keep)]
        frames_days: Option<Kept>,
        /// Only say how much that would remove
        #[arg(long)]
        dry_run: bool,
    },
    /// List the organizations
    #[command(after_help = "Example:\n  senstation org list --json")]
    List,
}

const LIST_MAX: usize = 10_000;

impl Org {
    pub(super) fn run(self, session: &Session) -> anyhow::Result<()> {
        match self {
            Self::Create { name } => session.with_new_registry(async |registry| {
                let organization = Organization { id: credentials::org_id()?, name, created_at: clock::now() };
                let id = organization.id;
                let (shown, text) =
                    (json(&organization), format!("organization {id}\n\nNext: senstation key create --org {id}"));
                registry.create_organization(organization).await?;
                session.output.show(&shown, text)
            }),
            Self::Limit { org, limits: wanted, um } => session.with_registry(async |registry| {
                let org = find_org(&*registry, org).await?.id;
                let was = *registry.get_limits(org).await?;
                let um = wanted.allowance(um, was.um);
                let limits = OrgLimits { rate: wanted.rate(was.rate), um, dm: wanted.dm(was.dm) };
                if limits != was {
                    registry.limit_organization(org, limits).await?;
                }
                let shown = limits_json(&json!({ "org_id": org.to_string() }), limits);
                let lines = limit::described(limits.rate, &[("um", limits.um), ("dm", limits.dm)]);
                session.output.show(&shown, format!("organization {org}\n{lines}"))
            }),
            Self::Retention { org, group, readings_days, frames_days, dry_run } => {
                keep(session, org, group, (readings_days, frames_days), dry_run)
            }
            Self::List => session.with_registry(async |registry| {
                let all = registry.list_organizations(None, LIST_MAX).await?;
                let rows: Vec<_> =
                    all.iter().map(|org| [org.id.to_string(), org.name.clone(), org.created_at.to_string()]).collect();
                let mut shown = Vec::with_capacity(all.len());
                for org in &all {
                    shown.push(limits_json(&json(org), *registry.get_limits(org.id).await?));
                }
                session.output.show(&Value::Array(shown), table(["org_id", "name", "created_at"], &rows))
            }),
        }
    }
}

fn keep(
    session: &Session,
    org: Option<OrgId>,
    group: Option<GroupId>,
    (readings, frames): (Option<Kept>, Option<Kept>),
    is_dry: bool,
) -> anyhow::Result<()> {
    let settings = session.settings()?;
    let (org, rules, wanted) = session.with_registry(async |registry| {
        let org = find_org(&*registry, org).await?.id;
        let mut rules = registry.get_retention(org).await?;
        if let Some(id) = group {
            let groups = registry.list_groups(org).await?;
            groups.iter().find(|known| known.id == id).with_context(|| format!("there is no group `{id}`"))?;
        }
        let was = match group {
            None => rules.organization,
            Some(id) => rules.groups.get(&id).copied().unwrap_or_default(),
        };
        let kept = |kept: Option<Kept>, was| kept.map_or(was, |Kept(keep)| keep);
        let wanted = Retention { readings: kept(readings, was.readings), frames: kept(frames, was.frames) };
        if wanted != was && !is_dry {
            registry.set_retention(org, group, wanted).await?;
            rules = registry.get_retention(org).await?;
        }
        Ok((org, rules, wanted))
    })?;
    let station = settings.retention.as_said();
    if is_dry {
        let group = group.map(|id| id.to_string());
        let wanted = retention::Wanted { org: org.to_string(), group, said: wanted.into(), station: station.into() };
        let old = block_on(control::ask(&settings, control::Request::CountOld(wanted), "count"))?;
        let text = format!(
            "it would remove {} rows of readings and {} raw frames of {} devices",
            old["rows"], old["frames"], old["devices"]
        );
        return session.output.show(&old, text);
    }
    let in_force = rules.of(group).or(station);
    let text = |keep: Option<Keep>| keep.map_or("default".to_owned(), |keep| keep.to_string());
    let days = |said: Retention| json!({ "readings_days": said.readings.map(Keep::as_days), "frames_days": said.frames.map(Keep::as_days) });
    let shown = json!({
        "org_id": org.to_string(),
        "group_id": group.map(|id| id.to_string()),
        "said": days(wanted),
        "in_force": days(in_force),
    });
    let row = |what: &str, said, holds| [what.to_owned(), text(said), text(holds)];
    let rows = [row("readings", wanted.readings, in_force.readings), row("frames", wanted.frames, in_force.frames)];
    session.output.show(&shown, table(["what", "said", "in_force"], &rows))
}

/// What is said of an organization, and its limits.
fn limits_json(said: &Value, limits: OrgLimits) -> Value {
    let mut said = said.clone();
    said["rate"] = limit::rate_json(limits.rate);
    said["um"] = limit::allowance_json(limits.um);
    said["dm"] = limit::allowance_json(limits.dm);
    said
}

fn json(organization: &Organization) -> Value {
    json!({
        "org_id": organization.id.to_string(),
        "name": organization.name,
        "created_at": organization.created_at.to_string(),
    })
}
