//! What every request passes: is it from our own pages, who asks, may they, and how faults are said.

use std::net::IpAddr;

use axum::{
    extract::{FromRequestParts, RawPathParams, Request, State, rejection::RawPathParamsRejection},
    http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode, header},
    middleware::Next,
    response::{IntoResponse, Redirect, Response},
};

use crate::{
    PortalState, Right,
    actor::{Actor, Address},
    fault::Fault,
    html::frame,
    view::View,
};

/// For whom a route answers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Audience {
    /// People: pages.
    People,
    /// Programs: JSON.
    Programs,
}

/// The policy under which pages run nothing but our own files.
const POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; \
                      connect-src 'self'; frame-ancestors 'none'; base-uri 'none'; form-action 'self'";

/// Lets a request through to its route, or says why not.
pub(crate) async fn guard(
    State((portal, right, audience)): State<(PortalState, Right, Audience)>,
    mut request: Request,
    next: Next,
) -> Response {
    let address = request.extensions().get::<Address>().map(|address| address.0);
    let admitted = admit(&portal, &mut request, right, audience, address).await;
    let (mut parts, body) = request.into_parts();
    let shown = parts.clone();
    let places = RawPathParams::from_request_parts(&mut parts, &()).await;
    let response = match admitted {
        // A path that is no text names nothing.
        Ok(()) if matches!(places, Err(RawPathParamsRejection::InvalidUtf8InPathParam(_))) => {
            Fault::NotFound.into_response()
        }
        Ok(()) => next.run(Request::from_parts(parts, body)).await,
        Err(fault) => fault.into_response(),
    };
    let mut response = match response.extensions().get::<Fault>().cloned() {
        Some(fault) if audience == Audience::Programs => fault.into_problem(),
        Some(Fault::SignIn) => {
            let next: String = form_urlencoded::byte_serialize(shown.uri.path().as_bytes()).collect();
            let is_read = shown.method == Method::GET && shown.uri.path() != "/";
            Redirect::to(&if is_read { format!("/sign-in?next={next}") } else { "/sign-in".to_owned() }).into_response()
        }
        Some(fault) => match View::of(&shown, &portal).await {
            Ok(view) => frame::fault(&view, &fault),
            Err(_) => fault.status().into_response(),
        },
        None => response,
    };
    dress(response.headers_mut(), &portal);
    response
}

/// What is at no path: a page for a browser, and nothing, which whoever serves this fills in, for a
/// program.
pub(crate) async fn lost(State(portal): State<PortalState>, request: Request) -> Response {
    let (mut parts, _) = request.into_parts();
    if parts.uri.path().starts_with("/api/") {
        let mut response = Fault::NotFound.into_problem();
        dress(response.headers_mut(), &portal);
        return response;
    }
    let accepts = parts.headers.get(header::ACCEPT).and_then(|accept| accept.to_str().ok()).unwrap_or_default();
    if !accepts.contains("text/html") {
        return StatusCode::NOT_FOUND.into_response();
    }
    if let Ok(Some(actor)) = Actor::find(&portal, &parts.headers, None, false).await {
        parts.extensions.insert(actor);
    }
    let mut response = match View::of(&parts, &portal).await {
        Ok(view) => frame::fault(&view, &Fault::NotFound),
        Err(fault) => fault.status().into_response(),
    };
    dress(response.headers_mut(), &portal);
    response
}

async fn admit(
    portal: &PortalState,
    request: &mut Request,
    right: Right,
    audience: Audience,
    address: Option<IpAddr>,
) -> Result<(), Fault> {
    let headers = request.headers();
    if !request.method().is_safe() && is_from_another_site(portal, headers) {
        return Err(Fault::CrossSite);
    }
    let actor = Actor::find(portal, headers, address, audience == Audience::Programs).await?;
    match &actor {
        Some(actor) if actor.may(right) => {}
        _ if right == Right::Anyone => {}
        Some(_) => return Err(Fault::Forbidden),
        None => return Err(Fault::SignIn),
    }
    if let Some(actor) = actor {
        request.extensions_mut().insert(actor);
    }
    Ok(())
}

/// Whether a browser says that a page of somebody else sent this. Programs say nothing, and have
/// no cookie that a stranger could use.
fn is_from_another_site(portal: &PortalState, headers: &HeaderMap) -> bool {
    const SITE: HeaderName = HeaderName::from_static("sec-fetch-site");
    if let Some(site) = headers.get(SITE) {
        return site != "same-origin" && site != "none";
    }
    let Some(origin) = headers.get(header::ORIGIN) else { return false };
    let Some((_, origin)) = origin.to_str().ok().and_then(|origin| origin.split_once("://")) else { return true };
    let own = portal.settings().public_url.as_deref().and_then(|url| url.split_once("://"));
    let is_own = own.is_some_and(|(_, host)| host.trim_end_matches('/') == origin);
    !is_own && headers.get(header::HOST).is_none_or(|host| host != origin)
}

fn dress(headers: &mut HeaderMap, portal: &PortalState) {
    let mut policy = HeaderValue::from_static(POLICY);
    if let Some(tiles) = portal.settings().map_tiles.as_deref().and_then(origin_of) {
        let wider = POLICY.replace("img-src 'self' data:", &format!("img-src 'self' data: {tiles}"));
        policy = HeaderValue::try_from(wider).unwrap_or(policy);
    }
    headers.insert(header::CONTENT_SECURITY_POLICY, policy);
    headers.insert(header::X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
    headers.insert(header::REFERRER_POLICY, HeaderValue::from_static("same-origin"));
    headers.insert(header::X_FRAME_OPTIONS, HeaderValue::from_static("DENY"));
    headers.insert(HeaderName::from_static("cross-origin-opener-policy"), HeaderValue::from_static("same-origin"));
    headers.entry(header::CACHE_CONTROL).or_insert(HeaderValue::from_static("no-store"));
}

/// Scheme and host of a tile address, with a `*` where it has a placeholder.
fn origin_of(url: &str) -> Option<String> {
    let (scheme, rest) = url.split_once("://")?;
    let host = rest.split('/').next()?.replace("{s}", "*");
    let is_plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '-' | ':' | '*');
    (host.chars().all(is_plain) && !host.is_empty()).then(|| format!("{scheme}://{host}"))
}

/// Sends a browser on after something was done.
pub(crate) fn see(path: &str) -> Response {
    Redirect::to(path).into_response()
}

/// As [`see`], with a cookie.
pub(crate) fn see_with(path: &str, cookie: HeaderValue) -> Response {
    let mut response = see(path);
    response.headers_mut().append(header::SET_COOKIE, cookie);
    response
}

/// A path of our own that somebody wanted before they signed in; anything else is the front page.
pub(crate) fn own_path(text: &str) -> &str {
    // Browsers read `\\` as `/`, and leave tabs and line ends out.
    let is_odd = |c: char| c == '\\' || c.is_control();
    let is_own = text.starts_with('/') && !text.starts_with("//") && !text.contains(is_odd);
    if is_own { text } else { "/" }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_paths_of_our_own_are_gone_to() {
        assert_eq!(own_path("/devices?search=a"), "/devices?search=a");
        for text in [
            "https://evil.example",
            "//evil.example",
            "/\\evil.example",
            "",
            "javascript:alert(1)",
            "/a\r\nX:y",
            "/\t/evil.example",
            "/\0",
        ] {
            assert_eq!(own_path(text), "/", "{text}");
        }
    }

    #[test]
    fn the_policy_takes_the_host_of_the_tiles() {
        assert_eq!(
            origin_of("https://{s}.tile.example.org/{z}/{x}/{y}.png").as_deref(),
            Some("https://*.tile.example.org")
        );
        assert_eq!(origin_of("https://a b/").as_deref(), None);
        assert_eq!(origin_of("nonsense"), None);
    }
}
