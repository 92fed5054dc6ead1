//! Where users' codecs run: beside the station, so that whatever one does costs its own uplink and nothing else.

mod line;
mod worker;

use std::{
    collections::HashMap,
    path::PathBuf,
    sync::{Arc, Mutex, PoisonError},
    thread::available_parallelism,
};

use codec::{
    Codec,
    script::{self, Answer, Error, Outcome},
};
use model::{Frame, OrgId, Timestamp, UserCodec};
use tokio::sync::Semaphore;

use self::worker::Workers;
pub use self::worker::run_scripts;

/// Runs users' codecs, one uplink of each at a time, off the threads that everything else runs on.
///
/// A codec that takes all the time it may delays the other uplinks of its model; those of others wait for one of the
/// engines at most.
#[derive(Debug, Clone)]
pub struct Scripts(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    /// The programs that run them; `None` where they run within this process.
    workers: Option<Workers>,
    engines: Semaphore,
    /// Whose turn it is, for each codec that somebody waits for.
    turns: Mutex<HashMap<(OrgId, String), Arc<Turn>>>,
}

#[derive(Debug)]
struct Turn {
    one: Semaphore,
}

/// Most uplinks of one codec that wait.
const WAITING_MAX: usize = 64;

impl Scripts {
    /// Codecs run within this process, for a command that has nothing else to do: what a built-in function of the
    /// language does without an end, nobody stops.
    pub fn here() -> Self {
        Self::new(None)
    }

    /// Codecs run in processes of their own, `program` with `arguments`, which have to call [`run_scripts`].
    pub fn beside(program: PathBuf, arguments: &'static [&'static str]) -> Self {
        Self::new(Some(Workers::new(program, arguments)))
    }

    fn new(workers: Option<Workers>) -> Self {
        // More than there are processors: who loops does not hold those who do not.
        let engines = 2 * available_parallelism().map_or(2, |count| count.get().max(2));
        Self(Arc::new(Inner { workers, engines: Semaphore::new(engines), turns: Mutex::default() }))
    }

    /// Decodes a frame with a user's codec.
    ///
    /// **Errors**: why nothing of it can be decoded.
    pub async fn decode(
        &self,
        codec: &UserCodec,
        frame: &Frame,
        received_at: Timestamp,
    ) -> Result<Outcome, codec::Error> {
        codec::check_length(&frame.payload)?;
        let call = Call { f_port: frame.f_port, payload: frame.payload.to_vec(), received_at };
        let answer = self.run(codec, Some(call)).await?;
        Ok(script::apply(&codec.table, answer))
    }

    /// Looks whether a codec can be taken: its program can, and it makes of its examples what it should.
    ///
    /// **Errors**: what is to be mended, in words.
    pub async fn check(&self, codec: &UserCodec) -> Result<(), String> {
        check_names(codec)?;
        self.run(codec, None).await.map_err(|error| error.to_string())?;
        for (number, example) in codec.examples.as_slice().iter().enumerate() {
            let number = number + 1;
            let call = Call { f_port: example.f_port, payload: example.payload.clone(), received_at: codec.changed_at };
            let answer = self.run(codec, Some(call)).await.map_err(|error| format!("example {number}: {error}"))?;
            let readings = script::apply(&codec.table, answer).readings;
            if !example.fits(&readings) {
                let said: Vec<String> = readings
                    .iter()
                    .map(|reading| {
                        let series = reading.series;
                        format!("{}/{}={}", series.channel, series.measurement, reading.value)
                    })
                    .collect();
                let said = if said.is_empty() { "no readings".to_owned() } else { said.join(", ") };
                return Err(format!("example {number} gives {said}; mend the codec, its table, or the example"));
            }
        }
        Ok(())
    }

    async fn run(&self, codec: &UserCodec, call: Option<Call>) -> Result<Answer, Error> {
        let key = (codec.org, codec.model.to_lowercase());
        let turn = {
            let mut turns = self.0.turns.lock().unwrap_or_else(PoisonError::into_inner);
            let turn = turns.entry(key.clone()).or_insert_with(|| Arc::new(Turn { one: Semaphore::new(1) }));
            if Arc::strong_count(turn) > WAITING_MAX {
                return Err(Error::Busy);
            }
            Arc::clone(turn)
        };
        let done = self.in_turn(&turn, codec, call).await;
        drop(turn);
        let mut turns = self.0.turns.lock().unwrap_or_else(PoisonError::into_inner);
        if turns.get(&key).is_some_and(|turn| Arc::strong_count(turn) == 1) {
            turns.remove(&key);
        }
        done
    }

    async fn in_turn(&self, turn: &Turn, codec: &UserCodec, call: Option<Call>) -> Result<Answer, Error> {
        let _turn = turn.one.acquire().await;
        let _engine = self.0.engines.acquire().await;
        let (inner, source) = (Arc::clone(&self.0), codec.source.clone());
        let work = tokio::task::spawn_blocking(move || match &inner.workers {
            Some(workers) => workers.run(&source, call.as_ref()),
            None => worker::run_here(&source, call.as_ref()),
        });
        work.await.unwrap_or(Err(Error::Deadline))
    }
}

fn check_names(codec: &UserCodec) -> Result<(), String> {
    let model = codec.model.as_str();
    let is_name = model.trim() == model && !model.is_empty() && !model.contains(char::is_control);
    if !is_name || model.chars().count() > UserCodec::MODEL_CHARS_MAX {
        return Err("a model has a name of 1 to 64 characters".to_owned());
    }
    if let Some(built_in) = Codec::find(model) {
        return Err(format!("`{}` is built in; give your codec a name of its own", built_in.model()));
    }
    if codec.table.is_empty() {
        return Err("the table is empty: say which measurement each path of the answer is".to_owned());
    }
    if codec.examples.as_slice().is_empty() {
        return Err("give at least one example: a payload and the readings it has".to_owned());
    }
    Ok(())
}

/// What a codec is given, as something of its own.
#[derive(Debug, Clone)]
struct Call {
    f_port: u8,
    payload: Vec<u8>,
    received_at: Timestamp,
}
