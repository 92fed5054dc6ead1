use std::{
    collections::BTreeMap,
    fmt::{self, Write as _},
    str::FromStr,
};

use model::{CodecVersion, DedupKey, DeviceEui, DeviceId, OrgId, Position, Reading, RowFlags, SourceId, Timestamp};

use super::{
    Rng,
    values::{self, Course},
};
use crate::{
    Appended, Entry, Error, Message, NewRow, Redecode, Store, StoredUplink,
    conformance::fixtures::{MINUTE_MS, at, binding, eui, org, organization},
};

/// How many organizations the ledger writes for; each has as many devices as the other.
const ORGANIZATIONS: u64 = 2;
const DEVICES: u64 = 3;
/// How far back a batch looks for uplinks to send or decode again.
const LOOK_BACK: u64 = 40;
/// More entries than a batch has.
pub(super) const BATCH_MAX: u64 = 300;
/// The reading by which a row tells which entry it belongs to.
pub(super) const TAG: (u16, u32) = (999, 60_000);

/// What a writer process appends while it is killed at random moments.
///
/// Every batch can be made again from the seed, the lane, its number, and the lines printed before
/// it, so that [`check`](super::check) can tell what must be in the store, what may be, and that
/// nothing else is.
///
/// **Shape**: one lane is one caller that waits for its answer; several lanes write at the same
/// time. After a kill the lane goes on with the batch whose answer it has not seen, as a client
/// does, unless that one holds what a store does not recognize as sent twice.
///
/// **Example**
/// ```
/// # async fn example(store: &dyn store::Store, lines: &str) -> Result<(), Box<dyn std::error::Error>> {
/// use store::conformance::random::Ledger;
///
/// let mut ledger = Ledger::resume(7, 0, lines)?;
/// ledger.prepare(store).await?;
/// loop {
///     let appended = store.append(ledger.next_batch()).await?;
///     println!("{}", ledger.acknowledge(&appended));
/// }
/// # }
/// ```
#[derive(Debug, Clone)]
pub struct Ledger {
    seed: u64,
    lane: u8,
    devices: Vec<(OrgId, DeviceEui, DeviceId)>,
    acknowledged: BTreeMap<u64, Line>,
    next: u64,
    retry: bool,
}

/// What is known of a batch that was acknowledged.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Line {
    pub(super) lane: u8,
    pub(super) batch: u64,
    /// Whether it may have been stored before, when its answer was not seen.
    pub(super) retry: bool,
    pub(super) digest: u64,
    pub(super) appended: Vec<Appended>,
}

/// What an entry of a batch is.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) enum Part {
    Uplink,
    /// An earlier uplink once more.
    Again(u64, u64),
    /// An earlier uplink decoded once more.
    Redecode(u64, u64),
    Message,
}

impl Ledger {
    /// Goes on where the lines of an earlier process end; without any, begins.
    ///
    /// **Errors**: [`InvalidLine`]; a last line without an end is passed over.
    pub fn resume(seed: u64, lane: u8, lines: &str) -> Result<Self, InvalidLine> {
        let mut ledger = Self { seed, lane, devices: Vec::new(), acknowledged: BTreeMap::new(), next: 0, retry: false };
        for line in whole_lines(lines) {
            let line: Line = line.parse()?;
            if line.lane == lane {
                ledger.next = ledger.next.max(line.batch + 1);
                ledger.acknowledged.insert(line.batch, line);
            }
        }
        // Nobody knows whether the batch was stored whose answer was not seen. The next process
        // passes over the same ones, so what is sent here is sent twice at most as a whole.
        ledger.retry = true;
        while !ledger.may_be_sent_twice(ledger.next) {
            ledger.next += 1;
        }
        Ok(ledger)
    }

    /// Creates the organizations and devices, unless they are there, and learns their names.
    ///
    /// **Errors**: those of the store.
    pub async fn prepare(&mut self, store: &dyn Store) -> Result<(), Error> {
        self.devices.clear();
        for number in 1..=ORGANIZATIONS {
            match store.create_organization(organization(number)).await {
                Ok(()) | Err(Error::Conflict(_)) => {}
                Err(error) => return Err(error),
            }
            for label in 0..DEVICES {
                let (org, eui) = (org(number), eui(label));
                let device = match store.bind_device(binding(org, eui)).await {
                    Ok(device) => device,
                    Err(Error::Conflict(kind)) => store.find_device(org, eui).await?.ok_or(Error::NotFound(kind))?,
                    Err(error) => return Err(error),
                };
                self.devices.push((org, eui, device.id));
            }
        }
        Ok(())
    }

    /// The batch to append now. Call [`prepare`](Self::prepare) first.
    pub fn next_batch(&self) -> Vec<Entry> {
        self.batch(self.next)
    }

    /// Takes the answer to [`next_batch`](Self::next_batch) and gives the line to print, which must
    /// be out of the process before the next batch goes in.
    pub fn acknowledge(&mut self, appended: &[Appended]) -> String {
        let line = Line {
            lane: self.lane,
            batch: self.next,
            retry: self.retry,
            digest: digest(&self.batch(self.next)),
            appended: appended.to_vec(),
        };
        let text = line.to_string();
        self.acknowledged.insert(self.next, line);
        self.next += 1;
        self.retry = false;
        text
    }

    pub(super) fn devices(&self) -> &[(OrgId, DeviceEui, DeviceId)] {
        &self.devices
    }

    pub(super) fn acknowledged(&self) -> &BTreeMap<u64, Line> {
        &self.acknowledged
    }

    /// A batch, as it is made from what was acknowledged before it.
    pub(super) fn batch(&self, batch: u64) -> Vec<Entry> {
        (0..self.size(batch)).map(|index| self.entry(batch, index)).collect()
    }

    /// How many entries a batch has.
    pub(super) fn size(&self, batch: u64) -> u64 {
        let mut rng = self.rng(batch, 1 << 32);
        if rng.percent(4) { 100 + rng.below(BATCH_MAX - 100) } else { 1 + rng.below(16) }
    }

    fn rng(&self, batch: u64, index: u64) -> Rng {
        Rng::of(&[self.seed, u64::from(self.lane), batch, index])
    }

    /// Whether a store recognizes all of a batch when it comes again.
    fn may_be_sent_twice(&self, batch: u64) -> bool {
        (0..self.size(batch)).all(|index| matches!(self.part(batch, index), Part::Uplink | Part::Again(..)))
    }

    /// What an entry is, as far as batch and index alone tell.
    fn wish(&self, batch: u64, index: u64) -> Part {
        let plain = !self.rng(batch, 1 << 33).percent(30);
        let mut rng = self.rng(batch, index);
        let earlier = batch.saturating_sub(1 + rng.below(LOOK_BACK));
        let target = rng.index(self.size(earlier) as usize) as u64;
        match rng.below(100) {
            0..=3 => Part::Again(earlier, target),
            4..=11 if !plain => Part::Redecode(earlier, target),
            12..=19 if !plain => Part::Message,
            _ => Part::Uplink,
        }
    }

    /// What an entry is: where the uplink that it wants to repeat is not known to be stored, it is
    /// a new one.
    pub(super) fn part(&self, batch: u64, index: u64) -> Part {
        match self.wish(batch, index) {
            Part::Again(earlier, target) | Part::Redecode(earlier, target)
                if earlier == batch
                    || !self.acknowledged.contains_key(&earlier)
                    || self.wish(earlier, target) != Part::Uplink =>
            {
                Part::Uplink
            }
            part => part,
        }
    }

    /// Where an acknowledged entry stands.
    pub(super) fn position(&self, batch: u64, index: u64) -> Option<Position> {
        self.acknowledged.get(&batch)?.appended.get(index as usize).map(|appended| appended.position)
    }

    /// The number that names an entry; exact as a double.
    pub(super) fn tag(&self, batch: u64, index: u64) -> u64 {
        u64::from(self.lane) << 44 | batch << 10 | index
    }

    /// Lane, batch and index of a tag.
    pub(super) fn untag(tag: u64) -> (u8, u64, u64) {
        ((tag >> 44) as u8, tag >> 10 & ((1 << 34) - 1), tag & 1_023)
    }

    pub(super) fn entry(&self, batch: u64, index: u64) -> Entry {
        let received_at = Self::received_at(batch, index);
        match self.part(batch, index) {
            Part::Uplink => self.uplink(batch, index).into(),
            Part::Again(earlier, target) => StoredUplink { received_at, ..self.uplink(earlier, target) }.into(),
            Part::Redecode(earlier, target) => {
                let first = self.uplink(earlier, target);
                let mut rng = self.rng(batch, index);
                Entry::Redecode(Redecode {
                    org: first.org,
                    device: first.device,
                    eui: first.eui,
                    replaces: self.position(earlier, target).unwrap_or_default(),
                    received_at: first.received_at,
                    codec: CodecVersion(2),
                    rows: self.rows(batch, index, first.received_at, &mut rng),
                })
            }
            Part::Message => {
                let mut rng = self.rng(batch, index);
                let payload = (0..rng.below(200)).map(|_| rng.bits() as u8).collect::<Vec<_>>();
                Entry::Message(Message {
                    org: org(1 + rng.below(ORGANIZATIONS)),
                    received_at,
                    topic: self.tag(batch, index).to_string().into(),
                    payload: payload.into(),
                    retain: rng.percent(50),
                    header: (0..rng.below(9)).map(|_| rng.bits() as u8).collect(),
                })
            }
        }
    }

    fn received_at(batch: u64, index: u64) -> Timestamp {
        at(0).plus_ms(batch as i64 * 3_000 + index as i64)
    }

    fn uplink(&self, batch: u64, index: u64) -> StoredUplink {
        let mut rng = self.rng(batch, index);
        let (org, eui, device) =
            self.devices.get(rng.index(self.devices.len())).copied().unwrap_or((org(1), eui(0), DeviceId(0)));
        let received_at = Self::received_at(batch, index);
        StoredUplink {
            org,
            device,
            eui,
            source: SourceId::from_raw(u64::from(self.lane)),
            dedup: DedupKey(u128::from(self.seed) << 64 | u128::from(self.tag(batch, index))),
            received_at,
            codec: CodecVersion(1),
            frame: rng.percent(80).then(|| values::frame(&mut rng)),
            rows: self.rows(batch, index, received_at, &mut rng),
        }
    }

    /// At least one row, each with the tag of its entry.
    fn rows(&self, batch: u64, index: u64, received_at: Timestamp, rng: &mut Rng) -> Vec<NewRow> {
        let count = if rng.percent(10) { rng.between(2, 8) } else { 1 };
        let rows = (0..count).map(|_| {
            let late_ms = if rng.percent(8) { rng.between(0, 3 * 24 * 60 * MINUTE_MS) } else { rng.between(0, 2_000) };
            let mut readings = vec![Reading::new(TAG.0, TAG.1, self.tag(batch, index) as f64)];
            for course in 0..rng.below(5) {
                let reading = Course::random(&mut Rng::new(course)).next(rng);
                if readings.iter().all(|other| other.series != reading.series) {
                    readings.push(reading);
                }
            }
            readings.sort_by_key(|reading| reading.series);
            NewRow { measured_at: received_at.minus_ms(late_ms), flags: RowFlags::NONE, readings }
        });
        rows.collect()
    }
}

/// A number that tells whether two processes mean the same entries.
pub(super) fn digest(entries: &[Entry]) -> u64 {
    format!("{entries:?}")
        .bytes()
        .fold(0xCBF2_9CE4_8422_2325, |hash: u64, byte| (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01B3))
}

/// Lines that were printed to their end.
fn whole_lines(lines: &str) -> impl Iterator<Item = &str> {
    lines.lines().filter(|line| line.ends_with(" end"))
}

impl fmt::Display for Line {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { lane, batch, retry, digest, appended } = self;
        let mut positions = String::new();
        for appended in appended {
            let duplicate = if appended.duplicate { "d" } else { "" };
            write!(positions, " {}{duplicate}", appended.position)?;
        }
        write!(f, "acknowledged {lane} {batch} {} {digest:016x}{positions} end", u8::from(*retry))
    }
}

impl FromStr for Line {
    type Err = InvalidLine;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let read = || {
            let mut words = text.strip_prefix("acknowledged ")?.strip_suffix(" end")?.split(' ');
            Some(Self {
                lane: words.next()?.parse().ok()?,
                batch: words.next()?.parse().ok()?,
                retry: words.next()? == "1",
                digest: u64::from_str_radix(words.next()?, 16).ok()?,
                appended: words
                    .map(|word| {
                        let position = word.strip_suffix('d').unwrap_or(word).parse().ok()?;
                        Some(Appended { position, duplicate: word.ends_with('d') })
                    })
                    .collect::<Option<_>>()?,
            })
        };
        read().ok_or_else(|| InvalidLine(text.to_owned()))
    }
}

/// The text is no line of a ledger.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct InvalidLine(String);

impl fmt::Display for InvalidLine {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "`{}` is no line of a ledger", self.0)
    }
}

impl std::error::Error for InvalidLine {}
