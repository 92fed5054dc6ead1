use anyhow::{Context, bail};
use clap::Subcommand;
use md5::{Digest, Md5};
use model::{AccessId, AccessKey, OrgId, Scopes};
use serde_json::{Value, json};
use store::Registry;

use super::{Session, arguments, find_org};
use crate::{
    clock,
    credentials::{Secret, access_id, hex, random},
    output::table,
    station_key,
};

/// App passwords: what apps sign in with that ask for an account, such as Home Assistant
#[derive(Debug, Subcommand)]
pub(super) enum AppPassword {
    /// Create an account with a password for one app; it is shown this once
    #[command(after_help = "\
Example:
  senstation app-password create --org 521853156991105 --name \"Home Assistant\"

The app is given an access key of its own when it signs in; `senstation key list` shows it too.
Apps may sign in where `portal_login.enabled` is true.")]
    Create {
        /// Whose data the app sees; may be left out while there is only one organization
        #[arg(long, value_name = "ORG_ID", value_parser = arguments::org)]
        org: Option<OrgId>,
        /// What people call it
        #[arg(long, default_value = "app", value_parser = arguments::name)]
        name: String,
        /// What the app may do, joined by `+`: `read` readings and devices, `write` groups and devices
        #[arg(long, default_value = "read", value_parser = arguments::scopes)]
        scopes: Scopes,
    },
    /// List the accounts of apps, revoked ones included
    #[command(after_help = "Example:\n  senstation app-password list --org 521853156991105")]
    List {
        /// Whose accounts; may be left out while there is only one organization
        #[arg(long, value_name = "ORG_ID", value_parser = arguments::org)]
        org: Option<OrgId>,
    },
    /// Revoke an account and the access key behind it; a running station refuses both within a second
    #[command(after_help = "Example:\n  senstation app-password revoke --account 0A1B2C3D4E5F6G7H")]
    Revoke {
        /// Whose account; may be left out while there is only one organization
        #[arg(long, value_name = "ORG_ID", value_parser = arguments::org)]
        org: Option<OrgId>,
        /// What the app signs in as
        #[arg(long)]
        account: AccessId,
    },
}

impl AppPassword {
    pub(super) fn run(self, session: &Session) -> anyhow::Result<()> {
        let settings = session.settings()?;
        session.with_registry(async |registry| match self {
            Self::Create { org, name, scopes } => {
                let org = find_org(&*registry, org).await?.id;
                let account = access_id()?;
                let station_key = station_key::load_or_create(&settings.data_dir)?;
                let key = Secret::of(station_key.app_access_key(org, account));
                let password = hex(&random::<20>()?).to_ascii_lowercase();
                let key = AccessKey::new(account, org, key.hash, name, scopes, clock::now());
                let app_password = Some(kept(&password).hash);
                registry.create_access_key(AccessKey { app_password, ..key.clone() }).await?;
                let shown = json!({
                    "account": account.to_string(),
                    "password": password,
                    "org_id": org.to_string(),
                    "name": key.name,
                    "scopes": scopes.to_string(),
                });
                let hint = if settings.portal_login.enabled {
                    ""
                } else {
                    "\nNobody may sign in yet: set `portal_login.enabled = true` and start the station anew."
                };
                let text = format!(
                    "account   {account}\npassword  {password}\nscopes    {scopes}\n\
                     The password is not shown again.{hint}"
                );
                if let Err(error) = session.output.show_to_somebody(&shown, text) {
                    registry.revoke_access_key(org, account, clock::now()).await?;
                    return Err(error).context("the password cannot be shown, so it is revoked; create another");
                }
                Ok(())
            }
            Self::List { org } => {
                let org = find_org(&*registry, org).await?.id;
                let keys = list(&*registry, org).await?;
                let text = |at: Option<model::Timestamp>| at.map(|at| at.to_string());
                let rows: Vec<_> = keys
                    .iter()
                    .map(|key| {
                        [
                            key.id.to_string(),
                            key.name.clone(),
                            key.scopes.to_string(),
                            text(key.last_used_at).unwrap_or_default(),
                            text(key.revoked_at).unwrap_or_default(),
                        ]
                    })
                    .collect();
                let shown = keys.iter().map(|key| {
                    json!({
                        "account": key.id.to_string(),
                        "org_id": key.org.to_string(),
                        "name": key.name,
                        "scopes": key.scopes.to_string(),
                        "created_at": key.created_at.to_string(),
                        "last_used_at": text(key.last_used_at),
                        "revoked_at": text(key.revoked_at),
                    })
                });
                let headings = ["account", "name", "scopes", "last_used_at", "revoked_at"];
                session.output.show(&Value::Array(shown.collect()), table(headings, &rows))
            }
            Self::Revoke { org, account } => {
                let org = find_org(&*registry, org).await?.id;
                let Some(key) = list(&*registry, org).await?.into_iter().find(|key| key.id == account) else {
                    bail!("organization `{org}` has no app that signs in as `{account}`");
                };
                let at = key.revoked_at.unwrap_or_else(clock::now);
                registry.revoke_access_key(org, account, at).await?;
                let shown = json!({ "account": account.to_string(), "revoked_at": at.to_string() });
                session.output.show(&shown, format!("revoked {account}"))
            }
        })
    }
}

async fn list(registry: &dyn Registry, org: OrgId) -> anyhow::Result<Vec<AccessKey>> {
    let mut keys = registry.list_access_keys(org).await?;
    keys.retain(|key| key.app_password.is_some());
    Ok(keys)
}

/// What apps send of a password, and what is kept of that.
///
/// They send its MD5 as lower-case hex, so that whoever has the MD5 can sign in: it is the secret, and
/// its SHA-256 is kept. A password of 160 random bits leaves it 128 bits that nobody guesses, however
/// fast the hash.
fn kept(password: &str) -> Secret {
    Secret::of(hex(&Md5::digest(password)).to_ascii_lowercase())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_kept_is_of_the_md5_that_apps_send() {
        let kept = kept("hello");
        assert_eq!(kept.text, "5d41402abc4b2a76b9719d911017c592");
        assert_eq!(kept.hash, Secret::of("5d41402abc4b2a76b9719d911017c592".to_owned()).hash);
    }
}
