use axum::{
    extract::State,
    http::{HeaderMap, header},
};
use serde::Serialize;
use sha2::{Digest, Sha256};
use subtle::ConstantTimeEq;

use crate::{ApiState, envelope::Answer, error::Refusal, portalapi::token};

#[derive(Debug, Serialize)]
struct Access {
    access_id: String,
    access_key: String,
}

/// The access key of the app that signed in a moment ago, by the token that it was given then.
pub(crate) async fn get_fixed_access(State(api): State<ApiState>, headers: HeaderMap) -> Result<Answer, Refusal> {
    let now = api.now();
    let given = headers.get(header::AUTHORIZATION).and_then(|token| token.to_str().ok()).unwrap_or_default();
    let id = token::read(api.station_key(), given, now).ok_or(Refusal::WrongSignIn)?;
    let key = api.store().find_access_key(id).await?.filter(|key| key.app_password.is_some());
    let key = key.ok_or(Refusal::WrongSignIn)?;
    if !key.is_good(now) {
        return Err(Refusal::RevokedSignIn);
    }
    let access_key = api.station_key().app_access_key(key.org, id);
    let hash: [u8; 32] = Sha256::digest(&access_key).into();
    if !bool::from(hash.ct_eq(&key.secret.0)) {
        // Another station made it: the data came here without its `station.key`.
        return Err(Refusal::RevokedSignIn);
    }
    Answer::of(&Access { access_id: id.to_string(), access_key })
}
