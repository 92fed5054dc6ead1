use std::path::{Path, PathBuf};

use anyhow::{Context, bail};
use clap::Subcommand;
use model::{AccessId, AccessKey, GroupId, KeyLimits, OrgId, Scopes, SecretHash, Timestamp};
use serde_json::{Value, json};
use sha2::{Digest, Sha256};
use store::Registry;

use super::{
    Session, arguments, find_org,
    limit::{self, Limits},
    wrong_usage,
};
use crate::{
    clock,
    credentials::{Secret, access_id},
    output::table,
};

/// The first line of a file, or of standard input for `-`.
pub(super) fn first_line(file: &Path) -> anyhow::Result<String> {
    let text = if file == Path::new("-") {
        std::io::read_to_string(std::io::stdin()).context("cannot read standard input")?
    } else {
        std::fs::read_to_string(file).with_context(|| format!("cannot read `{}`", file.display()))?
    };
    Ok(text.lines().next().unwrap_or_default().trim().to_owned())
}

const DAY_MS: i64 = 86_400_000;

/// Access keys: what programs read the API with
#[derive(Debug, Subcommand)]
pub(super) enum Key {
    /// Create an access key; it is shown this once
    #[command(after_help = "Examples:\n  senstation key create --org 521853156991105 --name integration\n  \
                             senstation key create --name dashboard --scopes read \\\n    \
                             --origin https://dashboard.example.org --expires-in-days 365")]
    Create {
        /// Whose key; may be left out while there is only one organization
        #[arg(long, value_name = "ORG_ID", value_parser = arguments::org)]
        org: Option<OrgId>,
        /// What people call it
        #[arg(long, default_value = "", hide_default_value = true, value_parser = arguments::name)]
        name: String,
        /// What it may do, joined by `+`: `read` readings and devices, `write` groups and devices,
        /// `manage` all that an owner can
        #[arg(long, default_value = "read+write", value_parser = arguments::scopes)]
        scopes: Scopes,
        /// After how many days it is refused; left out, never
        #[arg(long, value_name = "N", value_parser = clap::value_parser!(u16).range(1..=3650))]
        expires_in_days: Option<u16>,
        /// Web pages it may be used from, by scheme and host; may be repeated, left out, it is good everywhere
        #[arg(long = "origin", value_name = "URL", value_parser = arguments::origin)]
        origins: Vec<String>,
        /// A group whose devices it reaches; may be repeated, left out, it reaches all devices
        #[arg(long = "group", value_name = "GROUP_ID", value_parser = arguments::group)]
        groups: Vec<GroupId>,
    },
    /// Take over an access key of another station, so that programs change nothing but the address
    #[command(
        after_help = "Example:\n  senstation key import --access-id 7JN4AS94IETZCS0Z --access-key-file key.txt --name dashboard"
    )]
    Import {
        /// Whose key it becomes; may be left out while there is only one organization
        #[arg(long, value_name = "ORG_ID", value_parser = arguments::org)]
        org: Option<OrgId>,
        /// The public half of the key
        #[arg(long, value_name = "ACCESS_ID")]
        access_id: AccessId,
        /// A file whose first line is the secret half; `-` reads it from standard input
        #[arg(long, value_name = "FILE")]
        access_key_file: PathBuf,
        /// What people call it
        #[arg(long, default_value = "", hide_default_value = true, value_parser = arguments::name)]
        name: String,
        /// What it may do
        #[arg(long, default_value = "read", value_parser = arguments::scopes)]
        scopes: Scopes,
    },
    /// Limit what an access key may use; a running station keeps to it within a second. What is left out stays as
    /// it is
    #[command(after_help = "Examples:\n  senstation key limit --access-id 0A1B2C3D4E5F6G7H --rate 60\n  \
                             senstation key limit --access-id 0A1B2C3D4E5F6G7H --dm 10000 --per day\n  \
                             senstation key limit --access-id 0A1B2C3D4E5F6G7H --rate off --dm off")]
    Limit {
        /// The public half of the key
        #[arg(long, value_name = "ACCESS_ID")]
        access_id: AccessId,
        #[command(flatten)]
        limits: Limits,
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
            Self::Create { org, name, scopes, expires_in_days, origins, groups } => {
                let org = find_org(&*registry, org).await?.id;
                let now = clock::now();
                let limits = KeyLimits {
                    expires_at: expires_in_days.map(|days| now.plus_ms(i64::from(days) * DAY_MS)),
                    origins: each_once(origins),
                    groups: each_once(groups),
                    ..KeyLimits::default()
                };
                if scopes.manage && !(limits.origins.is_empty() && limits.groups.is_empty()) {
                    wrong_usage("a key with the scope `manage` cannot be limited to groups or to web pages");
                }
                check_groups(&*registry, org, &limits.groups).await?;
                let (id, secret) = (access_id()?, Secret::access_key()?);
                let shown = json!({
                    "access_id": id.to_string(),
                    "access_key": secret.text,
                    "org_id": org.to_string(),
                    "name": name,
                    "scopes": scopes.to_string(),
                    "expires_at": text(limits.expires_at),
                    "origins": limits.origins,
                    "groups": texts(&limits.groups),
                });
                let origin = limits.origins.first().map(|origin| format!("--header 'Origin: {origin}' "));
                let text = format!(
                    "access id   {id}\naccess key  {}\nscopes      {scopes}\n{}\nThe key is not shown again.\n\
                         Try: curl --user {id}:{} {}http://127.0.0.1:8080/openapi/view_organization",
                    secret.text,
                    described(&limits),
                    secret.text,
                    origin.unwrap_or_default(),
                );
                let key = AccessKey::new(id, org, secret.hash, name, scopes, now);
                registry.create_access_key(AccessKey { limits, ..key }).await?;
                if let Err(error) = session.output.show_to_somebody(&shown, text) {
                    registry.revoke_access_key(org, id, clock::now()).await?;
                    return Err(error).context("the key cannot be shown, so it is revoked; create another");
                }
                Ok(())
            }
            Self::Import { org, access_id, access_key_file, name, scopes } => {
                let org = find_org(&*registry, org).await?.id;
                let secret = first_line(&access_key_file)?;
                // Shorter ones can be guessed.
                if secret.len() < 16 || secret.contains(char::is_whitespace) {
                    bail!("an access key is a word of at least 16 characters");
                }
                let hash = SecretHash(Sha256::digest(secret.as_bytes()).into());
                let key = AccessKey::new(access_id, org, hash, name, scopes, clock::now());
                registry.create_access_key(key).await.with_context(|| format!("access key `{access_id}`"))?;
                let shown = json!({
                    "access_id": access_id.to_string(), "org_id": org.to_string(), "scopes": scopes.to_string(),
                });
                let text = format!("access key {access_id} is good here as well; it may {scopes}");
                session.output.show(&shown, text)
            }
            Self::List { org } => {
                let org = find_org(&*registry, org).await?.id;
                let keys = registry.list_access_keys(org).await?;
                let rows: Vec<_> = keys
                    .iter()
                    .map(|key| {
                        [
                            key.id.to_string(),
                            key.name.clone(),
                            key.scopes.to_string(),
                            text(key.limits.expires_at).unwrap_or_default(),
                            key.calls.to_string(),
                            key.dm.to_string(),
                            text(key.last_used_at).unwrap_or_default(),
                            text(key.revoked_at).unwrap_or_default(),
                        ]
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
                        "expires_at": text(key.limits.expires_at),
                        "origins": key.limits.origins,
                        "groups": texts(&key.limits.groups),
                        "app_password": key.app_password.is_some(),
                        "rate": limit::rate_json(key.limits.rate),
                        "dm_allowance": limit::allowance_json(key.limits.dm),
                        "calls": key.calls,
                        "dm": key.dm,
                    })
                });
                let headings =
                    ["access_id", "name", "scopes", "expires_at", "calls", "dm", "last_used_at", "revoked_at"];
                session.output.show(&Value::Array(shown.collect()), table(headings, &rows))
            }
            Self::Limit { access_id, limits: wanted } => {
                let found = registry.find_access_key(access_id).await?;
                let key = found.with_context(|| format!("there is no access key `{access_id}`"))?;
                let (rate, dm) = (wanted.rate(key.limits.rate), wanted.dm(key.limits.dm));
                if (rate, dm) != (key.limits.rate, key.limits.dm) {
                    registry.limit_access_key(key.org, access_id, rate, dm).await?;
                }
                let shown = json!({
                    "access_id": access_id.to_string(),
                    "rate": limit::rate_json(rate),
                    "dm": limit::allowance_json(dm),
                });
                let lines = limit::described(rate, &[("dm", dm)]);
                session.output.show(&shown, format!("access key {access_id}\n{lines}"))
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

/// **Errors**: one of the groups is not the organization's.
async fn check_groups(registry: &dyn Registry, org: OrgId, groups: &[GroupId]) -> anyhow::Result<()> {
    if groups.is_empty() {
        return Ok(());
    }
    let known = registry.list_groups(org).await?;
    match groups.iter().find(|id| known.iter().all(|group| group.id != **id)) {
        Some(id) => bail!("organization `{org}` has no group `{id}`; `list_groups` of the API shows those it has"),
        None => Ok(()),
    }
}

fn each_once<T: PartialEq>(items: Vec<T>) -> Vec<T> {
    items.into_iter().fold(Vec::new(), |mut once, item| {
        if !once.contains(&item) {
            once.push(item);
        }
        once
    })
}

/// What narrows a key, a line for each.
fn described(limits: &KeyLimits) -> String {
    let lines = [
        limits.expires_at.map(|at| format!("expires at  {at}\n")),
        (!limits.origins.is_empty()).then(|| format!("origins     {}\n", limits.origins.join(" "))),
        (!limits.groups.is_empty()).then(|| format!("groups      {}\n", texts(&limits.groups).join(" "))),
    ];
    lines.into_iter().flatten().collect()
}

fn text(at: Option<Timestamp>) -> Option<String> {
    at.map(|at| at.to_string())
}

fn texts(groups: &[GroupId]) -> Vec<String> {
    groups.iter().map(ToString::to_string).collect()
}
