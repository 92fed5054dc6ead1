//! What pages are drawn with, inside the binary; its address changes with its content.

use std::sync::LazyLock;

use axum::{
    extract::Path,
    http::{HeaderValue, StatusCode, header},
    response::{IntoResponse, Response},
};
use sha2::{Digest, Sha256};

use crate::secret::hex;

struct Asset {
    name: &'static str,
    kind: &'static str,
    bytes: &'static [u8],
}

macro_rules! assets {
    ($($name:literal $kind:ident),* $(,)?) => {
        [$(Asset { name: $name, kind: $kind, bytes: include_bytes!(concat!("../assets/", $name)) }),*]
    };
}

const CSS: &str = "text/css; charset=utf-8";
const SCRIPT: &str = "text/javascript; charset=utf-8";
const DATA: &str = "application/json";
const SVG: &str = "image/svg+xml";

static ASSETS: [Asset; 12] = assets![
    "app.css" CSS,
    "app.js" SCRIPT,
    "chart.js" SCRIPT,
    "map.js" SCRIPT,
    "reference.js" SCRIPT,
    "stream.js" SCRIPT,
    "icon.svg" SVG,
    "world.json" DATA,
    "vendor/uPlot.iife.min.js" SCRIPT,
    "vendor/uPlot.min.css" CSS,
    "vendor/leaflet.js" SCRIPT,
    "vendor/leaflet.css" CSS,
];

static VERSION: LazyLock<String> = LazyLock::new(|| {
    let all = ASSETS.iter().fold(Sha256::new(), |hash, asset| hash.chain_update(asset.bytes));
    hex(&all.finalize()[..8]).to_ascii_lowercase()
});

/// The address of an asset.
pub(crate) fn url(name: &str) -> String {
    format!("/assets/{}/{name}", *VERSION)
}

pub(crate) async fn serve(Path((_, name)): Path<(String, String)>) -> Response {
    const A_YEAR: HeaderValue = HeaderValue::from_static("public, max-age=31536000, immutable");
    let Some(asset) = ASSETS.iter().find(|asset| asset.name == name) else {
        return StatusCode::NOT_FOUND.into_response();
    };
    let headers = [
        (header::CONTENT_TYPE, HeaderValue::from_static(asset.kind)),
        (header::X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff")),
        (header::CACHE_CONTROL, A_YEAR),
    ];
    (headers, asset.bytes).into_response()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_not_ours_is_as_its_makers_published_it() {
        let sums = include_str!("../assets/vendor/SHA256SUMS");
        let vendored: Vec<_> =
            ASSETS.iter().filter_map(|asset| asset.name.strip_prefix("vendor/").zip(Some(asset))).collect();
        assert_eq!(vendored.len(), 4);
        for (name, asset) in vendored {
            let sum = hex(&Sha256::digest(asset.bytes)).to_ascii_lowercase();
            let is_listed = sums.lines().any(|line| line.starts_with(&sum) && line.ends_with(name));
            assert!(is_listed, "`{name}` is not the file whose checksum is listed");
        }
    }
}
