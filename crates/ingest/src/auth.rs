use std::sync::Arc;

use axum::http::{HeaderMap, header};
use base64::{Engine, prelude::BASE64_STANDARD};
use model::{SecretHash, Source, SourceKind, Timestamp};
use sha2::{Digest, Sha256};
use store::Store;

use crate::Refusal;

/// The source whose token the request carries at this time, if it is of the kind that the path is
/// for.
///
/// A token is found by its hash, so that nothing here compares secrets byte by byte.
pub(crate) async fn authenticate(
    store: &dyn Store,
    headers: &HeaderMap,
    kind: SourceKind,
    now: Timestamp,
) -> Result<Arc<Source>, Refusal> {
    let token = token(headers).ok_or(Refusal::Unauthorized)?;
    let hash = SecretHash(Sha256::digest(token).into());
    // A token that another one took the place of is found also when its time is over.
    let source = store.find_source(hash).await?.filter(|source| source.has_token(hash, now));
    let source = source.ok_or(Refusal::Unauthorized)?;
    if source.kind == kind { Ok(source) } else { Err(Refusal::WrongKind(source.kind)) }
}

fn token(headers: &HeaderMap) -> Option<Vec<u8>> {
    let (scheme, rest) = headers.get(header::AUTHORIZATION)?.to_str().ok()?.split_once(' ')?;
    let credential = rest.trim();
    if scheme.eq_ignore_ascii_case("bearer") {
        return Some(credential.as_bytes().to_vec());
    }
    if !scheme.eq_ignore_ascii_case("basic") {
        return None;
    }
    let pair = BASE64_STANDARD.decode(credential).ok()?;
    let colon = pair.iter().position(|byte| *byte == b':')?;
    Some(pair[colon + 1..].to_vec())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(value: &str, expected: Option<&str>) {
        let headers = HeaderMap::from_iter([(header::AUTHORIZATION, value.parse().unwrap())]);
        assert_eq!(token(&headers), expected.map(|token| token.as_bytes().to_vec()), "{value}");
    }

    #[test]
    fn takes_the_token_from_bearer_and_from_the_password_of_basic() {
        check("Bearer T0k", Some("T0k"));
        check("bearer  T0k ", Some("T0k"));
        check("Basic dXNlcjpUMGs=", Some("T0k"));
        check("basic OlQwazp4", Some("T0k:x"));
        check("Basic VDBr", None);
        check("Basic ???", None);
        check("T0k", None);
        check("Digest T0k", None);
    }
}
