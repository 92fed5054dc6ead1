use clap::Args;

use super::Session;
use crate::{
    config::Layers,
    logging,
    output::Output,
    serve::{self, Running, Signals},
    station::Station,
};

/// Run the station
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  senstation serve
  senstation serve --http 0.0.0.0:8080        behind a proxy that speaks TLS
  senstation serve --https 0.0.0.0:8443 --tls-certificate station.crt --tls-key station.key
  SENSTATION_DATA_DIR=/srv/station senstation serve")]
pub(super) struct Serve {
    #[command(flatten)]
    doors: Doors,
}

#[derive(Debug, Args)]
pub(super) struct Doors {
    /// Where to serve the API and the webhooks; `off` closes the door [default: 127.0.0.1:8080]
    /// [env: `SENSTATION_HTTP_LISTEN`]
    #[arg(long, value_name = "ADDRESS")]
    http: Option<String>,
    /// Where to serve the same over TLS; `off` closes the door [default: off]
    /// [env: `SENSTATION_HTTPS_LISTEN`]
    #[arg(long, value_name = "ADDRESS")]
    https: Option<String>,
    /// PEM file of the certificate, and of its authorities behind it; read again at SIGHUP
    /// [env: `SENSTATION_TLS_CERTIFICATE`]
    #[arg(long, value_name = "FILE")]
    tls_certificate: Option<String>,
    /// PEM file of the certificate's key [env: `SENSTATION_TLS_KEY`]
    #[arg(long, value_name = "FILE")]
    tls_key: Option<String>,
    /// Where to speak MQTT; `off` closes the door [default: 127.0.0.1:1883]
    /// [env: `SENSTATION_MQTT_LISTEN`]
    #[arg(long, value_name = "ADDRESS")]
    mqtt: Option<String>,
    /// Where to speak MQTT over WebSocket, path /mqtt; `off` closes the door
    /// [default: 127.0.0.1:8083] [env: `SENSTATION_MQTT_WEBSOCKET_LISTEN`]
    #[arg(long, value_name = "ADDRESS")]
    mqtt_ws: Option<String>,
    /// Where to speak MQTT over TLS once there is a certificate; `off` closes the door
    /// [default: 127.0.0.1:8883] [env: `SENSTATION_MQTT_TLS_LISTEN`]
    #[arg(long, value_name = "ADDRESS")]
    mqtts: Option<String>,
}

impl Doors {
    pub(super) fn set(self, layers: &mut Layers) -> anyhow::Result<()> {
        for (name, value, flag) in [
            ("http.listen", self.http, "--http"),
            ("https.listen", self.https, "--https"),
            ("tls.certificate", self.tls_certificate, "--tls-certificate"),
            ("tls.key", self.tls_key, "--tls-key"),
            ("mqtt.listen", self.mqtt, "--mqtt"),
            ("mqtt.websocket_listen", self.mqtt_ws, "--mqtt-ws"),
            ("mqtt.tls_listen", self.mqtts, "--mqtts"),
        ] {
            if let Some(value) = value {
                layers.set_by_flag(name, value, flag)?;
            }
        }
        Ok(())
    }
}

impl Serve {
    pub(super) fn run(self, session: &mut Session) -> anyhow::Result<()> {
        self.doors.set(&mut session.layers)?;
        let settings = session.settings()?;
        let log = logging::start(&settings.log)?;
        serve::block_on(async {
            let station = Station::open(&settings)?;
            let running = Running::start(&settings, station, Signals::catch()?, log).await?;
            running.announce(session.output);
            if session.output == Output::Text
                && let Some(link) = running.portal_link(None).await?
            {
                session.output.greet(&serde_json::Value::Null, link);
            }
            running.until_told().await
        })
    }
}
