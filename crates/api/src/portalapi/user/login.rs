use axum::{Extension, extract::State};
use model::{AccessKey, SecretHash};
use serde::Serialize;
use sha2::{Digest, Sha256};
use subtle::ConstantTimeEq;

use crate::{ApiState, ClientAddress, envelope::Answer, error::Refusal, parameters::Parameters, portalapi::token};

#[derive(Debug, Serialize)]
struct SignedIn {
    token: String,
    org_id: String,
}

/// Lets an app in with `account`, the access id of a key that was made for signing in, and
/// `password`, the MD5 of the password that was made with it. No person signs in here.
///
/// Wrong passwords make the next try from the same address wait, twice as long each time.
pub(crate) async fn login(
    State(api): State<ApiState>,
    Extension(ClientAddress(address)): Extension<ClientAddress>,
    parameters: Parameters,
) -> Result<Answer, Refusal> {
    let account = parameters.find_filled("account").ok_or_else(|| Refusal::missing("account"))?;
    let password = parameters.find_filled("password").ok_or_else(|| Refusal::missing("password"))?;
    let now = api.now();
    if let Some(wait_s) = api.delays().take(address, now) {
        return Err(Refusal::TooManySignIns { wait_s });
    }
    let id = account.to_ascii_uppercase().parse().ok();
    let key = match id {
        Some(id) => api.store().find_access_key(id).await?,
        None => None,
    };
    let key = key.filter(|key| fits(key, password)).ok_or(Refusal::WrongSignIn)?;
    api.delays().forget(address);
    if !key.is_good(now) {
        return Err(Refusal::RevokedSignIn);
    }
    Answer::of(&SignedIn { token: token::write(api.station_key(), key.id, now), org_id: key.org.to_string() })
}

/// Whether a password is the one that a key was made for.
fn fits(key: &AccessKey, password: &str) -> bool {
    let given: [u8; 32] = Sha256::digest(password.to_ascii_lowercase()).into();
    key.app_password.is_some_and(|SecretHash(kept)| bool::from(kept.ct_eq(&given)))
}
