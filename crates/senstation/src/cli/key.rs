use anyhow::Context;
use clap::Subcommand;
use model::{AccessId, AccessKey, OrgId, Scopes, Timestamp};
use serde_json::{Value, json};

use super::{Session, arguments, find_org};
use crate::{
    clock,
    credentials::{Secret, access_id},
    output::table,
};

/// Access keys: what programs read the API with
#[derive(Debug, Subcommand)]
pub(super) enum Key {
    /// Create an access key; it is shown this once
    #[command(after_help = "Examples:\n  senstation key create --org 521853156991105 --name integration\n  \
                             senstation key create --name dashboard --scopes read")]
    Create {
        /// Whose key; may be left out while there is only one organization
        #[arg(long, value_name = "ORG_ID", value_parser = arguments::org)]
        org: Option<OrgId>,
        /// What people call it
        #[arg(long, default_value = "", hide_default_value = true, value_parser = arguments::name)]
        name: String,
        /// What it may do, joined by `+`: `read` readings and devices, `write` groups and devices
        #[arg(long, default_value = "read+write", value_parser = arguments::scopes)]
        scopes: Scopes,
    },
    /// List the access keys, revoked ones included
    #[command(after_help = "Example:\n  senstation key list --org 521853156991105")]
    List {
        /// Whose keys; may be left out while there is only one organization
        #[arg(long, value_name = "ORG_ID", value_parser = arguments::org)]
        org: Option<OrgId>,
    },
    /// Revoke an access key for good; a running station refuses it within a second
    #[command(after_help = "Example:\n  senstation key revoke --access-id 0A1B2C3D4E5F6G7H")]
    Revoke {
        /// The public half of the key
        #[arg(long, value_name = "ACCESS_ID")]
        access_id: AccessId,
    },
}

impl Key {
    pub(super) fn run(self, session: &Session) -> anyhow::Result<()> {
        session.with_registry(async |registry| match self {
            Self::Create { org, name, scopes } => {
                let org = find_org(&*registry, org).await?.id;
                let (id, secret) = (access_id()?, Secret::access_key()?);
                let shown = json!({
                    "access_id": id.to_string(),
                    "access_key": secret.text,
                    "org_id": org.to_string(),
                    "name": name,
                    "scopes": scopes.to_string(),
                });
                let text = format!(
                    "access id   {id}\naccess key  {}\nscopes      {scopes}\n\nThe key is not shown again.\n\
                         Try: curl --user {id}:{} http://127.0.0.1:8080/openapi/view_organization",
                    secret.text, secret.text
                );
                let key = AccessKey::new(id, org, secret.hash, name, scopes, clock::now());
                registry.create_access_key(key).await?;
                if let Err(error) = session.output.show_to_somebody(&shown, text) {
                    registry.revoke_access_key(org, id, clock::now()).await?;
                    return Err(error).context("the key cannot be shown, so it is revoked; create another");
                }
                Ok(())
            }
            Self::List { org } => {
                let org = find_org(&*registry, org).await?.id;
                let keys = registry.list_access_keys(org).await?;
                let text = |at: Option<Timestamp>| at.map(|at| at.to_string());
                let rows: Vec<_> = keys
                    .iter()
                    .map(|key| {
                        let revoked = text(key.revoked_at).unwrap_or_default();
                        let used = text(key.last_used_at).unwrap_or_default();
                        [key.id.to_string(), key.name.clone(), key.scopes.to_string(), used, revoked]
                    })
                    .collect();
                let shown = keys.iter().map(|key| {
                    json!({
                        "access_id": key.id.to_string(),
                        "org_id": key.org.to_string(),
                        "name": key.name,
                        "scopes": key.scopes.to_string(),
                        "created_at": key.created_at.to_string(),
                        "last_used_at": text(key.last_used_at),
                        "revoked_at": text(key.revoked_at),
                    })
                });
                let headings = ["access_id", "name", "scopes", "last_used_at", "revoked_at"];
                session.output.show(&Value::Array(shown.collect()), table(headings, &rows))
            }
            Self::Revoke { access_id } => {
                let found = registry.find_access_key(access_id).await?;
                let key = found.with_context(|| format!("there is no access key `{access_id}`"))?;
                let at = key.revoked_at.unwrap_or_else(clock::now);
                registry.revoke_access_key(key.org, access_id, at).await?;
                let shown = json!({ "access_id": access_id.to_string(), "revoked_at": at.to_string() });
                session.output.show(&shown, format!("revoked {access_id}"))
            }
        })
    }
}
