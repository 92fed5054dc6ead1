use clap::Subcommand;
use model::Organization;
use serde_json::{Value, json};

use super::{Session, arguments};
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
            Self::List => session.with_registry(async |registry| {
                let all = registry.list_organizations(None, LIST_MAX).await?;
                let rows: Vec<_> =
                    all.iter().map(|org| [org.id.to_string(), org.name.clone(), org.created_at.to_string()]).collect();
                let shown = all.iter().map(json).collect();
                session.output.show(&Value::Array(shown), table(["org_id", "name", "created_at"], &rows))
            }),
        }
    }
}

fn json(organization: &Organization) -> Value {
    json!({
        "org_id": organization.id.to_string(),
        "name": organization.name,
        "created_at": organization.created_at.to_string(),
    })
}
