use std::num::NonZero;

use clap::Subcommand;
use model::{OrgId, OrgLimits, Organization};
use serde_json::{Value, json};

use super::{
    Session, arguments, find_org,
    limit::{self, Limits, Wanted},
};
use crate::{clock, credentials, output::table};

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
