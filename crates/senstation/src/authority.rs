//! An authority of one's own, and the certificates that it signs.
//!
//! Programs whose host names are fixed reach a station only if it can show a certificate for those
//! names. No public authority gives that out; the owner's own does, for whoever trusts it.

use std::{fmt, net::IpAddr, slice, str::FromStr, sync::Arc, time::Duration};

use anyhow::{Context, anyhow, ensure};
use jiff::tz::Offset;
use model::Timestamp;
use rcgen::{
    BasicConstraints, Certificate, CertificateParams, CidrSubnet, DistinguishedName, DnType, ExtendedKeyUsagePurpose,
    GeneralSubtree, IsCa, Issuer, KeyPair, KeyUsagePurpose, NameConstraints, SanType, date_time_ymd,
};
use rustls::{
    RootCertStore,
    client::{WebPkiServerVerifier, danger::ServerCertVerifier},
    crypto::ring,
    pki_types::{CertificateDer, ServerName, UnixTime, pem::PemObject},
};
use sha2::{Digest, Sha256};

/// The hosts of Seeed's stations that programs know.
pub(crate) const SENSECAP_HOSTS: [&str; 7] = [
    "sensecap.seeed.cc",
    "sensecap.seeed.cn",
    "sensecap-openapi.seeed.cc",
    "sensecap-openstream.seeed.cc",
    "sensecap-openstream.seeed.cn",
    "openstream.api.sensecap.seeed.cc",
    "sensecap-statics.seeed.cn",
];

/// Names that mean nothing outside of a network of one's own.
const PRIVATE_DOMAINS: [&str; 5] = ["localhost", "local", "lan", "internal", "home.arpa"];

/// Addresses that mean nothing outside of a network of one's own.
const PRIVATE_NETWORKS: [&str; 8] = [
    "127.0.0.0/8",
    "10.0.0.0/8",
    "172.16.0.0/12",
    "192.168.0.0/16",
    "169.254.0.0/16",
    "::1/128",
    "fc00::/7",
    "fe80::/10",
];

const DAY_MS: i64 = 24 * 3_600_000;
/// How long an authority is good.
const AUTHORITY_DAYS: i64 = 3_650;
/// How long a certificate is good; clients refuse any that is good for more than 398 days.
const CERTIFICATE_DAYS: i64 = 397;

/// What a certificate can be for: a name or an address.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Host {
    /// In small letters.
    Name(String),
    Address(IpAddr),
}

impl FromStr for Host {
    type Err = ();

    fn from_str(text: &str) -> Result<Self, ()> {
        if let Ok(address) = text.parse() {
            return Ok(Self::Address(address));
        }
        let is_label = |label: &str| {
            (1..=63).contains(&label.len())
                && label.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-')
                && !label.starts_with('-')
                && !label.ends_with('-')
        };
        let is_name = text.len() <= 253 && text.split('.').all(is_label);
        if is_name { Ok(Self::Name(text.to_ascii_lowercase())) } else { Err(()) }
    }
}

impl fmt::Display for Host {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Name(name) => f.write_str(name),
            Self::Address(address) => address.fmt(f),
        }
    }
}

/// A certificate with its key, as PEM.
pub(crate) struct Made {
    pub(crate) certificate: String,
    pub(crate) key: String,
    /// SHA-256 of the certificate, as dialogs that ask whether to trust it show it.
    pub(crate) fingerprint: String,
    pub(crate) until: Timestamp,
}

/// Makes an authority that can sign for the hosts of Seeed's stations, for what is private anyway,
/// and for `hosts`: whoever steals its key can pretend to be nobody else.
pub(crate) fn make(hosts: &[Host], now: Timestamp) -> anyhow::Result<Made> {
    let mut params = params("Senstation authority", now, AUTHORITY_DAYS)?;
    params.is_ca = IsCa::Ca(BasicConstraints::Constrained(0));
    params.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
    let names = SENSECAP_HOSTS.iter().chain(&PRIVATE_DOMAINS).map(|name| GeneralSubtree::DnsName((*name).to_owned()));
    let networks = PRIVATE_NETWORKS.iter().filter_map(|network| network.parse().ok()).map(GeneralSubtree::IpAddress);
    let own = hosts.iter().map(|host| match host {
        Host::Name(name) => GeneralSubtree::DnsName(name.clone()),
        Host::Address(address) => {
            let bits = if address.is_ipv4() { 32 } else { 128 };
            GeneralSubtree::IpAddress(CidrSubnet::from_addr_prefix(*address, bits))
        }
    });
    let permitted_subtrees = names.chain(networks).chain(own).collect();
    params.name_constraints = Some(NameConstraints { permitted_subtrees, excluded_subtrees: Vec::new() });
    let key = KeyPair::generate().context("no key can be made")?;
    let certificate = params.self_signed(&key).context("the authority cannot be signed")?;
    Ok(made(&params, &certificate, &key))
}

/// Makes a certificate for `hosts`, signed by an authority that is given as PEM.
///
/// **Errors**: certificate and key are no authority's, or it may not sign for one of the hosts.
pub(crate) fn issue(authority: &str, authority_key: &str, hosts: &[Host], now: Timestamp) -> anyhow::Result<Made> {
    let root = CertificateDer::from_pem_slice(authority.as_bytes()).context("the authority has no certificate")?;
    let authority_key = KeyPair::from_pem(authority_key).context("the authority has no key that could be used")?;
    let issuer = Issuer::from_ca_cert_der(&root, authority_key).context("the authority cannot be understood")?;
    let is_authority = x509_parser::parse_x509_certificate(&root).is_ok_and(|(_, parsed)| parsed.is_ca());
    ensure!(is_authority, "the certificate is no authority's");
    let common_name = hosts.first().context("a certificate is for at least one host")?.to_string();
    let mut params = params(&common_name, now, CERTIFICATE_DAYS)?;
    params.use_authority_key_identifier_extension = true;
    params.key_usages = vec![KeyUsagePurpose::DigitalSignature];
    params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ServerAuth];
    let key = KeyPair::generate().context("no key can be made")?;
    let mut sign = |hosts: &[Host]| {
        params.subject_alt_names = hosts.iter().map(alternative_name).collect::<Result<_, _>>()?;
        let certificate = params.signed_by(&key, &issuer).context("the certificate cannot be signed")?;
        anyhow::Ok(certificate)
    };
    // Clients refuse a certificate for all its hosts because of one: try each alone.
    for host in hosts {
        is_trusted(&root, sign(slice::from_ref(host))?.der(), host, now)?;
    }
    let certificate = sign(hosts)?;
    Ok(made(&params, &certificate, &key))
}

fn alternative_name(host: &Host) -> Result<SanType, rcgen::Error> {
    Ok(match host {
        Host::Name(name) => SanType::DnsName(name.as_str().try_into()?),
        Host::Address(address) => SanType::IpAddress(*address),
    })
}

/// Looks at a certificate as a client does that trusts the authority.
fn is_trusted(
    root: &CertificateDer<'_>,
    certificate: &CertificateDer<'_>,
    host: &Host,
    now: Timestamp,
) -> anyhow::Result<()> {
    let mut roots = RootCertStore::empty();
    roots.add(root.clone().into_owned()).context("the authority is none that clients could trust")?;
    let provider = Arc::new(ring::default_provider());
    let verifier = WebPkiServerVerifier::builder_with_provider(Arc::new(roots), provider).build()?;
    let name = ServerName::try_from(host.to_string())?;
    let seconds = u64::try_from(now.as_millis() / 1_000).unwrap_or(0);
    let now = UnixTime::since_unix_epoch(Duration::from_secs(seconds));
    match verifier.verify_server_cert(certificate, &[], &name, &[], now) {
        Ok(_) => Ok(()),
        Err(error) => Err(anyhow!(error).context(format!(
            "the authority may not sign for `{host}`; make one that may, in another folder: \
             `senstation ca init --folder FOLDER --host {host}`"
        ))),
    }
}

fn params(common_name: &str, now: Timestamp, days: i64) -> anyhow::Result<CertificateParams> {
    // The first instant of a day.
    let midnight = |at: Timestamp| {
        let at = jiff::Timestamp::from_millisecond(at.as_millis()).context("the clock is wrong")?;
        let date = Offset::UTC.to_datetime(at).date();
        anyhow::Ok(date_time_ymd(date.year().into(), date.month().unsigned_abs(), date.day().unsigned_abs()))
    };
    let mut params = CertificateParams::default();
    params.distinguished_name = DistinguishedName::new();
    params.distinguished_name.push(DnType::OrganizationName, "Senstation");
    params.distinguished_name.push(DnType::CommonName, common_name);
    // Clocks that are a little behind are right too.
    params.not_before = midnight(now.minus_ms(DAY_MS))?;
    params.not_after = midnight(now.plus_ms((days - 1) * DAY_MS))?;
    Ok(params)
}

fn made(params: &CertificateParams, certificate: &Certificate, key: &KeyPair) -> Made {
    let digest = Sha256::digest(certificate.der());
    Made {
        certificate: certificate.pem(),
        key: key.serialize_pem(),
        fingerprint: digest.iter().map(|byte| format!("{byte:02X}")).collect::<Vec<_>>().join(":"),
        until: Timestamp::from_millis(params.not_after.unix_timestamp() * 1_000),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const DAY: Timestamp = Timestamp::from_millis(1_790_000_000_000);

    fn hosts(hosts: &[&str]) -> Vec<Host> {
        hosts.iter().map(|host| host.parse().unwrap()).collect()
    }

    #[test]
    fn a_certificate_is_good_for_its_hosts_as_long_as_clients_allow() {
        let authority = make(&[], DAY).unwrap();
        let known = hosts(&SENSECAP_HOSTS);
        let made = issue(&authority.certificate, &authority.key, &known, DAY).unwrap();
        let days = made.until.since_ms(DAY) / DAY_MS;
        assert!((390..398).contains(&days), "{days} days");
        let [root, own] =
            [&authority, &made].map(|made| CertificateDer::from_pem_slice(made.certificate.as_bytes()).unwrap());
        let trusted = |host: &str, after_days: i64| {
            is_trusted(&root, &own, &host.parse().unwrap(), DAY.plus_ms(after_days * DAY_MS)).is_ok()
        };
        assert!(trusted("sensecap.seeed.cc", 0) && trusted("SenseCAP.seeed.cn", days));
        assert!(!trusted("sensecap.seeed.cc", days + 1), "it has expired");
        assert!(!trusted("sensecap.seeed.cc", -2), "it is not good yet");
        assert!(!trusted("station.lan", 0), "it is for others");
        assert_eq!(authority.fingerprint.len(), 95);
    }

    #[test]
    fn an_authority_signs_for_what_is_private_and_what_it_was_made_for_and_nothing_else() {
        let usual = make(&[], DAY).unwrap();
        let own = make(&hosts(&["farm.example.org", "203.0.113.9", "2001:db8::9"]), DAY).unwrap();
        let may = |authority: &Made, host: &str| {
            issue(&authority.certificate, &authority.key, &hosts(&[SENSECAP_HOSTS[0], host]), DAY).map(drop)
        };
        for host in
            ["localhost", "station.lan", "a.home.arpa", "10.1.2.3", "192.168.1.10", "172.31.0.1", "fd00::1", "::1"]
        {
            assert!(may(&usual, host).is_ok(), "{host}: {:?}", may(&usual, host));
        }
        for host in ["farm.example.org", "api.farm.example.org", "203.0.113.9", "2001:db8::9"] {
            assert!(may(&own, host).is_ok(), "{host}: {:?}", may(&own, host));
            let said = may(&usual, host).unwrap_err().to_string();
            assert!(said.contains("may not sign") && said.contains(&format!("--host {host}")), "{said}");
        }
        for host in ["seeed.cc", "www.seeed.cn", "example.org", "203.0.113.8", "172.32.0.1", "2001:db8::8"] {
            assert!(may(&own, host).is_err(), "{host}");
        }
    }

    #[test]
    fn what_is_no_authority_signs_nothing() {
        let authority = make(&[], DAY).unwrap();
        let hosts = hosts(&["station.lan"]);
        let leaf = issue(&authority.certificate, &authority.key, &hosts, DAY).unwrap();
        assert!(issue(&leaf.certificate, &leaf.key, &hosts, DAY).is_err(), "a certificate is no authority");
        assert!(issue(&authority.certificate, &leaf.key, &hosts, DAY).is_err(), "another's key");
        assert!(issue("", &authority.key, &hosts, DAY).is_err());
        assert!(issue(&authority.certificate, "", &hosts, DAY).is_err());
        assert!(issue(&authority.certificate, &authority.key, &[], DAY).is_err());
    }
}
