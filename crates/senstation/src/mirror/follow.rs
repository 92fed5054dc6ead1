//! What comes once history is here: asked for again and again, heard by the stream, and held against
//! what is here.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
    time::Duration,
};

use client::{AsyncClient, Client, Manners};
use model::{BrokerUrl, DeviceEui, Timestamp};
use portal::{MirrorDifference, MirrorPhase};
use store::Registry;
use tokio::{
    sync::{mpsc, watch},
    task::JoinSet,
    time::{Instant, MissedTickBehavior, interval, interval_at},
};

use super::{
    Follow, Mirror, OVERLAP_MS,
    compare::Comparison,
    devices::Inventory,
    stream::{Followed, Heard, follow},
};
use crate::clock;

/// How often both stations are asked about a device.
const COMPARE: Duration = Duration::from_secs(60);
/// How often is asked beside a stream, which tells most.
const BESIDE_STREAM: Duration = Duration::from_secs(3_600);
/// What waits to be said about a stream.
const HEARD_MAX: usize = 64;
/// The most differences that are remembered.
const DIFFERENCES_MAX: usize = 1_000;

impl Mirror {
    /// Asks again and again for what is new, and listens to the stream meanwhile.
    pub(super) async fn follow(&mut self, registry: &dyn Registry) -> anyhow::Result<()> {
        let Some(Follow { every, stream, compare }) = self.wanted.follow.clone() else { return Ok(()) };
        let (devices, known) = watch::channel(self.euis());
        let (heard_by, mut heard) = mpsc::channel(HEARD_MAX);
        let mut _stream = None;
        if let Some(at) = stream {
            _stream = Some(self.listen(at, known, heard_by.clone())?);
        }
        let mut comparison = match &compare {
            Some((_, here)) => {
                let here = Client::new(here, &self.wanted.access_id, &self.wanted.access_key)?;
                // It waits for nobody.
                let here = here.with_manners(Manners { calls_per_minute: 0, tries: 2, ..Manners::default() });
                Some(Comparison::new(self.client.clone(), AsyncClient::new(here)))
            }
            None => None,
        };
        let soon = Instant::now();
        let mut asks = interval_at(soon + every, every);
        let mut beside = interval_at(soon + BESIDE_STREAM, BESIDE_STREAM);
        let mut compares = interval(COMPARE);
        for ticks in [&mut asks, &mut beside, &mut compares] {
            ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        }
        self.told.note(|progress| progress.phase = MirrorPhase::Asking);
        self.told.say(format_args!("following, every {} s", every.as_secs()));
        if let Some((until, _)) = &compare {
            self.told.say(format_args!("both stations are asked the same until {until}"));
        }
        let (mut last_heard, mut is_streaming, mut lost) = (BTreeMap::new(), false, String::new());
        loop {
            tokio::select! {
                _ = asks.tick(), if !is_streaming => self.ask(&mut last_heard).await,
                _ = beside.tick() => {
                    self.look_again(registry, &devices).await;
                    self.ask(&mut last_heard).await;
                }
                _ = compares.tick(), if comparison.is_some() => {
                    if compare.as_ref().is_some_and(|(until, _)| clock::now() > *until) {
                        comparison = None;
                        let progress = self.told.read();
                        self.told.say(format_args!(
                            "both stations were asked {} questions, and answered {} differently",
                            progress.compared,
                            progress.disagreements.len()
                        ));
                    } else if let Some(comparison) = &mut comparison {
                        self.compare(comparison).await;
                    }
                }
                Some(said) = heard.recv() => match said {
                    Heard::Ready { is_resumed } => {
                        is_streaming = true;
                        self.told.note(|progress| {
                            (progress.phase, progress.trouble) = (MirrorPhase::Streaming, None);
                        });
                        self.told.say(format_args!("its stream is followed"));
                        if !is_resumed {
                            self.ask(&mut last_heard).await;
                        }
                    }
                    Heard::Lost(why) => {
                        let was_told = !is_streaming && lost == why;
                        is_streaming = false;
                        self.told.note(|progress| {
                            progress.phase = MirrorPhase::Asking;
                            progress.trouble = Some(format!("its stream: {why}"));
                        });
                        if !was_told {
                            self.told.say(format_args!("its stream is not followed, and it is asked meanwhile: {why}"));
                        }
                        lost = why;
                    }
                    Heard::Stranger => {
                        self.look_again(registry, &devices).await;
                        self.ask(&mut last_heard).await;
                    }
                }
            }
        }
    }

    fn euis(&self) -> BTreeSet<DeviceEui> {
        self.devices.iter().map(|device| device.eui).collect()
    }

    /// Begins to follow the stream.
    fn listen(
        &self,
        at: BrokerUrl,
        devices: watch::Receiver<BTreeSet<DeviceEui>>,
        heard: mpsc::Sender<Heard>,
    ) -> anyhow::Result<JoinSet<()>> {
        let key: String = self.wanted.access_id.chars().filter(char::is_ascii_alphanumeric).collect();
        let followed = Followed {
            at,
            other_org: self.state.other_org.clone(),
            access_key: self.wanted.access_key.clone(),
            // Of two keys of one organization neither takes the other's place.
            name: format!("mirror{}{key}", self.wanted.org),
            org: self.wanted.org,
            sink: Arc::clone(&self.sink),
            devices,
            told: self.told.clone(),
        };
        Ok(follow(followed, heard)?)
    }

    /// Copies what is new there: devices and channels.
    async fn look_again(&mut self, registry: &dyn Registry, devices: &watch::Sender<BTreeSet<DeviceEui>>) {
        let looked = async {
            let inventory = Inventory::ask(&self.client).await?;
            anyhow::Ok(self.copy(registry, &inventory).await?)
        };
        match looked.await {
            Ok(0) => {}
            Ok(added) => self.told.say(format_args!("{added} new devices")),
            Err(error) => self.told.failed(&format!("{error:#}")),
        }
        devices.send_replace(self.euis());
    }

    /// Fetches what has come since.
    async fn ask(&mut self, last_heard: &mut BTreeMap<DeviceEui, Timestamp>) {
        if self.is_spent() {
            self.told.note(|progress| progress.phase = MirrorPhase::Spent);
            return;
        }
        match self.poll(last_heard).await {
            Ok(new) => {
                self.told.note(|progress| progress.trouble = None);
                if new > 0 {
                    self.told.came(new);
                }
            }
            // The next time may be better: what is missing is known.
            Err(error) => self.told.failed(&format!("{error:#}")),
        }
    }

    /// Fetches what devices have sent that were heard since they were asked last.
    async fn poll(&mut self, last_heard: &mut BTreeMap<DeviceEui, Timestamp>) -> anyhow::Result<u64> {
        let euis: Vec<_> = self.devices.iter().map(|device| device.eui).collect();
        let statuses = self.client.call(move |client| client.view_device_running_status(&euis)).await?.data;
        let (now, mut new) = (clock::now(), 0);
        for status in statuses {
            let (eui, Some(at)) = (status.device_eui, status.latest_message_time) else { continue };
            if last_heard.get(&eui) == Some(&at) {
                continue;
            }
            let Some(index) = self.devices.iter().position(|device| device.eui == eui) else { continue };
            // What is still on its way may be older than what is here: the last hour is asked for again.
            let window = (self.wanted.since.as_millis(), now.as_millis() - 1);
            new += self.window(index, window, now.as_millis() - OVERLAP_MS).await?.1;
            last_heard.insert(eui, at);
        }
        Ok(new)
    }

    async fn compare(&mut self, comparison: &mut Comparison) {
        if self.is_spent() {
            return;
        }
        let euis: Vec<_> = self.devices.iter().map(|device| device.eui).collect();
        match comparison.look(&euis, clock::now()).await {
            Ok(looked) => {
                self.state.dm += looked.dm;
                for MirrorDifference { eui, what, there, here } in &looked.differences {
                    self.told.say(format_args!("{eui}, {what}: there {there}, here {here}"));
                }
                self.told.note(|progress| {
                    progress.compared += looked.questions;
                    progress.dm = self.state.dm;
                    progress.disagreements.extend(looked.differences);
                    progress.disagreements.truncate(DIFFERENCES_MAX);
                });
                if let Err(error) = self.file.save(&self.state) {
                    self.told.failed(&format!("{error:#}"));
                }
            }
            Err(error) => self.told.failed(&format!("{error:#}")),
        }
    }
}
