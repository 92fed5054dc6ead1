//! Any call with a good key: method, path and query on the first line, the body's label on the second,
//! the body in the rest.

#![no_main]

use std::sync::{Arc, LazyLock};

use api::{ApiState, Settings};
use axum::{
    Router,
    body::{Body, to_bytes},
    http::Request,
};
use libfuzzer_sys::fuzz_target;
use model::{AccessId, AccessKey, OrgId, Organization, Scopes, SecretHash, StationKey, Timestamp};
use store::{Reference, Registry};
use tower::ServiceExt;

const NOW: Timestamp = Timestamp::from_millis(1_783_684_800_000);
/// `AAAAAAAAAAAAAAAA:secret`
const BASIC: &str = "Basic QUFBQUFBQUFBQUFBQUFBQTpzZWNyZXQ=";

static STATION: LazyLock<(tokio::runtime::Runtime, Router)> = LazyLock::new(|| {
    let runtime = tokio::runtime::Builder::new_current_thread().build().expect("a runtime");
    let store = Arc::new(Reference::new());
    let org = OrgId::from_raw(100_000_000_000);
    runtime.block_on(async {
        let organization = Organization { id: org, name: String::new(), created_at: NOW };
        store.create_organization(organization).await.expect("a first organization");
        let id: AccessId = "AAAAAAAAAAAAAAAA".parse().expect("an access id");
        // SHA-256 of `secret`.
        let hash = [
            0x2b, 0xb8, 0x0d, 0x53, 0x7b, 0x1d, 0xa3, 0xe3, 0x8b, 0xd3, 0x03, 0x61, 0xaa, 0x85, 0x56, 0x86, 0xbd, 0xe0,
            0xea, 0xcd, 0x71, 0x62, 0xfe, 0xf6, 0xa2, 0x5f, 0xe9, 0x7b, 0xf5, 0x27, 0xa2, 0x5b,
        ];
        let key = AccessKey::new(id, org, SecretHash(hash), String::new(), Scopes::READ_WRITE, NOW);
        store.create_access_key(key).await.expect("a first key");
    });
    let api = ApiState::new(store, Arc::new(|| NOW), StationKey::from_raw([7; 32]), Settings::default());
    (runtime, api::router(api))
});

fuzz_target!(|bytes: &[u8]| {
    let mut parts = bytes.splitn(3, |byte| *byte == b'\n');
    let (line, label, body) = (parts.next(), parts.next(), parts.next());
    let Some((method, target)) = line.and_then(|line| std::str::from_utf8(line).ok()?.split_once(' ')) else { return };
    let mut request = Request::builder().method(method).uri(target).header("authorization", BASIC);
    if let Some(label) = label.filter(|label| !label.is_empty()) {
        request = request.header("content-type", label);
    }
    let Ok(request) = request.body(Body::from(body.unwrap_or_default().to_vec())) else { return };
    let path = request.uri().path();
    let is_ours = ["/openapi/", "/1.0/", "/portalapi/"].iter().any(|base| path.starts_with(base));
    let has_body = !["HEAD", "OPTIONS"].contains(&method);
    let (runtime, router) = &*STATION;
    let answer = runtime.block_on(async {
        let answer = router.clone().oneshot(request).await.expect("a router answers");
        assert_ne!(answer.status().as_u16(), 500, "the reference never fails");
        to_bytes(answer.into_body(), usize::MAX).await.expect("a whole body")
    });
    if is_ours && has_body {
        assert!(answer.starts_with(b"{\"code\":\"") && answer.ends_with(b"}"), "{answer:?}");
    }
});
