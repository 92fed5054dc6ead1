use std::{
    fs::{self, DirBuilder, OpenOptions},
    io::{ErrorKind, Write},
    os::unix::fs::{DirBuilderExt, OpenOptionsExt},
    path::{Path, PathBuf},
};

use anyhow::{Context, bail};
use clap::Subcommand;
use serde_json::json;

use super::{Session, arguments};
use crate::{
    authority::{self, Host, Made, SENSECAP_HOSTS},
    clock,
};

/// An authority of your own, for programs whose host names cannot be changed
#[derive(Debug, Subcommand)]
pub(super) enum Ca {
    /// Make the authority that your devices and programs are to trust
    #[command(after_help = "\
Examples:
  senstation ca init
  senstation ca init --host station.example.org --host 203.0.113.9

It can sign for the hosts of SenseCAP's stations, for private addresses, for names that end in
.local, .lan, .internal, .home.arpa or localhost, and for what `--host` names: for nothing else.")]
    Init {
        /// A name, with all names below it, or an address that it may sign for as well; repeatable
        #[arg(long = "host", value_name = "HOST", value_parser = arguments::host)]
        hosts: Vec<Host>,
        /// Where to put it [default: `tls` in the data folder]
        #[arg(long, value_name = "FOLDER")]
        folder: Option<PathBuf>,
    },
    /// Make a certificate for the hosts of SenseCAP's stations and for your own
    #[command(after_help = "\
Examples:
  senstation ca issue --host station.lan --host 192.168.1.10
  senstation ca issue --host station.lan --replace        a year later, with a new key

It is good for 397 days, as clients accept no longer ones.")]
    Issue {
        /// A name or an address that the station has as well; repeatable
        #[arg(long = "host", value_name = "HOST", value_parser = arguments::host)]
        hosts: Vec<Host>,
        /// Where the authority is [default: `tls` in the data folder]
        #[arg(long, value_name = "FOLDER")]
        folder: Option<PathBuf>,
        /// Put the new certificate in the place of the one there is
        #[arg(long)]
        replace: bool,
    },
}

const AUTHORITY: [&str; 2] = ["ca.crt", "ca.key"];
const STATION: [&str; 2] = ["station.crt", "station.key"];

impl Ca {
    pub(super) fn run(self, session: &Session) -> anyhow::Result<()> {
        let default = session.settings()?.data_dir.join("tls");
        match self {
            Self::Init { hosts, folder } => {
                let folder = folder.unwrap_or(default);
                let mut make = DirBuilder::new();
                let cannot = || format!("cannot make the folder `{}`", folder.display());
                make.recursive(true).mode(0o700).create(&folder).with_context(cannot)?;
                let folder = folder.canonicalize().with_context(cannot)?;
                let made = authority::make(&hosts, clock::now())?;
                let [certificate, key] = put(&folder, AUTHORITY, &made, false)?;
                let (certificate, key) = (certificate.display(), key.display());
                let shown = json!({
                    "certificate": certificate.to_string(),
                    "key": key.to_string(),
                    "expires_at": made.until.to_string(),
                    "sha256": made.fingerprint,
                });
                let text = format!(
                    "authority  {certificate}\nkey        {key}\nuntil      {}\nSHA-256    {}\n\n\
                     Whoever has the key can pretend to be a SenseCAP station to everything that trusts this authority: \
                     keep it to yourself, or offline.\n\n\
                     Next: senstation ca issue --host NAME-OR-ADDRESS-OF-THIS-STATION",
                    made.until, made.fingerprint
                );
                session.output.show(&shown, text)
            }
            Self::Issue { hosts, folder, replace } => {
                let named = folder.unwrap_or(default);
                // What is printed is good from elsewhere too; what is not there is told below.
                let folder = named.canonicalize().unwrap_or(named);
                let [root, root_key] = AUTHORITY.map(|name| folder.join(name));
                let hosts: Vec<Host> =
                    hosts.into_iter().chain(SENSECAP_HOSTS.iter().map(|name| Host::Name((*name).to_owned()))).collect();
                let made = authority::issue(&read(&root)?, &read(&root_key)?, &hosts, clock::now())?;
                let [certificate, key] = put(&folder, STATION, &made, replace)?;
                let names: Vec<String> = hosts.iter().map(ToString::to_string).collect();
                let shown = json!({
                    "certificate": certificate.display().to_string(),
                    "key": key.display().to_string(),
                    "authority": root.display().to_string(),
                    "hosts": names,
                    "expires_at": made.until.to_string(),
                    "sha256": made.fingerprint,
                });
                session.output.show(&shown, steps(&certificate, &key, &root, &made, &hosts))
            }
        }
    }
}

/// What to do with a certificate.
fn steps(certificate: &Path, key: &Path, root: &Path, made: &Made, hosts: &[Host]) -> String {
    let address = hosts.iter().find_map(|host| match host {
        Host::Address(address) if !address.is_loopback() => Some(address.to_string()),
        _ => None,
    });
    let address = address.unwrap_or_else(|| "ADDRESS-OF-THIS-STATION".to_owned());
    let (shown, root) = (certificate.display(), root.display());
    format!(
        "certificate  {shown}\nkey          {}\nuntil        {}\n\n\
         1. In senstation.toml, then start the station anew (later certificates: `kill -HUP` is enough):\n\n\
         [https]\nlisten = \"0.0.0.0:443\"\n\n\
         [tls]\ncertificate = {}\nkey = {}\n\n\
         2. Where clients look names up, in your network's DNS or in /etc/hosts of their machines:\n\n\
         {address} {}\n\n\
         3. Let the clients trust the authority, which they know by {root}:\n\n\
         Debian, Ubuntu   cp {root} /usr/local/share/ca-certificates/senstation.crt && update-ca-certificates\n\
         curl             --cacert {root}\n\
         Python requests  REQUESTS_CA_BUNDLE={root}\n\
         Node.js          NODE_EXTRA_CA_CERTS={root}\n\
         Java             keytool -importcert -cacerts -noprompt -alias senstation -file {root}\n\n\
         Client by client: docs/connect-clients.md",
        key.display(),
        made.until,
        toml::Value::from(shown.to_string()),
        toml::Value::from(key.display().to_string()),
        SENSECAP_HOSTS.join(" ")
    )
}

/// Writes a certificate and its key, both or none.
fn put(folder: &Path, names: [&str; 2], made: &Made, replace: bool) -> anyhow::Result<[PathBuf; 2]> {
    let paths = names.map(|name| folder.join(name));
    if !replace && let Some(path) = paths.iter().find(|path| path.exists()) {
        let path = path.display();
        if names == STATION {
            bail!("`{path}` is there already; `--replace` puts a new one in its place");
        }
        bail!(
            "`{path}` is there already, and what trusts it would not trust another; name another folder with `--folder`"
        );
    }
    let drafts = names.map(|name| folder.join(format!("{name}.new")));
    let [certificate, key] = &drafts;
    write(certificate, &made.certificate, 0o644)?;
    write(key, &made.key, 0o600)?;
    for (draft, path) in drafts.iter().zip(&paths) {
        fs::rename(draft, path).with_context(|| format!("cannot write `{}`", path.display()))?;
    }
    Ok(paths)
}

fn write(path: &Path, text: &str, mode: u32) -> anyhow::Result<()> {
    let write = || {
        // What a run that was cut off has left.
        match fs::remove_file(path) {
            Err(error) if error.kind() != ErrorKind::NotFound => return Err(error),
            _ => {}
        }
        let mut file = OpenOptions::new().write(true).create_new(true).mode(mode).open(path)?;
        file.write_all(text.as_bytes())?;
        file.sync_all()
    };
    write().with_context(|| format!("cannot write `{}`", path.display()))
}

fn read(path: &Path) -> anyhow::Result<String> {
    fs::read_to_string(path).with_context(|| {
        format!(
            "cannot read `{}`; `senstation ca init` makes an authority, `--folder` names another place",
            path.display()
        )
    })
}
