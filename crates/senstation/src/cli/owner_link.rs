use clap::Args;
use model::OrgId;
use serde_json::json;

use super::{Session, arguments, find_org};
use crate::front;

/// Print a link that makes whoever follows it an owner; good once, for 15 minutes
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  senstation owner-link
  senstation owner-link --org 521853156991105

For the first owner of a station, and for owners who have forgotten their password. Without any
organization, the link founds one. Where there is only one, its owner looks after the station itself
too: its storage, its settings, its log.")]
pub(super) struct OwnerLink {
    /// Whose owner; may be left out while there is only one organization
    #[arg(long, value_name = "ORG_ID", value_parser = arguments::org)]
    org: Option<OrgId>,
    /// Let this owner look after the station itself too, where there are several organizations
    #[arg(long)]
    operator: bool,
}

impl OwnerLink {
    pub(super) fn run(self, session: &Session) -> anyhow::Result<()> {
        let base = front::base_url(&session.settings()?);
        session.with_new_registry(async |registry| {
            let organizations = registry.list_organizations(None, 2).await?.len();
            let founds_one = self.org.is_none() && organizations == 0;
            let org = if founds_one { None } else { Some(find_org(&*registry, self.org).await?.id) };
            let is_operator = self.operator || organizations < 2;
            let link = front::owner_link(&*registry, &base, org, is_operator).await?;
            let org_id = org.map(|org| org.to_string());
            let shown = json!({ "url": link.url, "org_id": org_id, "operator": is_operator, "minutes": 15 });
            session.output.show(&shown, &link.url)
        })
    }
}
