use axum::{
    extract::{Request, State},
    http::{HeaderMap, header},
    middleware::Next,
    response::{IntoResponse, Response},
};

use crate::{ApiState, ClientAddress, PortalLogin, error::Refusal};

/// Answers calls from elsewhere, and all of them where nobody may sign in, as those for a path that
/// does not exist.
pub(crate) async fn only_from_named_networks(State(api): State<ApiState>, request: Request, next: Next) -> Response {
    let address = request.extensions().get().copied();
    let may_sign_in = api.settings().portal_login.as_ref().zip(address);
    match may_sign_in.filter(|(login, address)| is_inside(login, *address, request.headers())) {
        Some(_) => next.run(request).await,
        None => Refusal::UnknownPath.into_response(),
    }
}

/// Whether somebody is on this machine or in a network that is named.
fn is_inside(login: &PortalLogin, ClientAddress(address): ClientAddress, headers: &HeaderMap) -> bool {
    let address = address.to_canonical();
    // A proxy that passes on and says for whom in a way that nobody here reads hides who asks.
    let is_hidden = headers.contains_key(header::FORWARDED) && !headers.contains_key("x-forwarded-for");
    let is_here = address.is_loopback() && !is_hidden;
    is_here || login.networks.iter().any(|network| network.contains(&address))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(networks: &[&str], address: &str, header: Option<&'static str>, expected: bool) {
        let login = PortalLogin { networks: networks.iter().map(|network| network.parse().unwrap()).collect() };
        let headers = HeaderMap::from_iter(header.map(|name| (name.parse().unwrap(), "for=x".parse().unwrap())));
        let address = ClientAddress(address.parse().unwrap());
        assert_eq!(is_inside(&login, address, &headers), expected, "{networks:?} {address:?} {header:?}");
    }

    #[test]
    fn this_machine_is_inside_and_others_only_in_named_networks() {
        for address in ["127.0.0.1", "127.8.9.10", "::1", "::ffff:127.0.0.1"] {
            check(&[], address, None, true);
        }
        for address in ["192.168.1.7", "::ffff:192.168.1.7", "fd00::7", "0.0.0.0"] {
            check(&[], address, None, false);
        }
        check(&["192.168.1.0/24"], "192.168.1.7", None, true);
        check(&["192.168.1.0/24"], "::ffff:192.168.1.7", None, true);
        check(&["192.168.1.0/24"], "192.168.2.7", None, false);
        check(&["10.0.0.0/8", "fd00::/8"], "fd00::7", None, true);
        check(&["10.0.0.0/8", "fd00::/8"], "fe00::7", None, false);
    }

    #[test]
    fn a_proxy_that_hides_who_asks_is_not_this_machine() {
        check(&[], "127.0.0.1", Some("forwarded"), false);
        check(&[], "127.0.0.1", Some("x-forwarded-for"), true);
    }
}
