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
organization, the link founds one.")]
pub(super) struct OwnerLink {
    /// Whose owner; may be left out while there is only one organization
    #[arg(long, value_name = "ORG_ID", value_parser = arguments::org)]
    org: Option<OrgId>,
}

impl OwnerLink {
    pub(super) fn run(self, session: &Session) -> anyhow::Result<()> {
        let base = front::base_url(&session.settings()?);
        session.with_new_registry(async |registry| {
            let founds_one = self.org.is_none() && registry.list_organizations(None, 1).await?.is_empty();
            let org = if founds_one { None } else { Some(find_org(&*registry, self.org).await?.id) };
            let link = front::owner_link(&*registry, &base, org).await?;
            let shown = json!({ "url": link.url, "org_id": org.map(|org| org.to_string()), "minutes": 15 });
            session.output.show(&shown, &link.url)
        })
    }
}
