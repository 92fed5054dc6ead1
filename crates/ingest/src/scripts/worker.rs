//! The programs that run users' codecs.

use std::{
    io::{self, BufRead, BufReader, Read, Write},
    path::PathBuf,
    process::{Child, ChildStdin, ChildStdout, Command, Stdio},
    sync::{Mutex, PoisonError, mpsc},
    thread,
    time::Duration,
};

use codec::script::{self, Answer, DEADLINE, Error};

use super::{
    Call,
    line::{Reply, Request},
};

/// After so much more than the deadline, a built-in function of the language is at work that nothing stops but the
/// end of its process.
const PATIENCE: Duration = DEADLINE.saturating_mul(5);

/// Programs that wait for codecs to run.
#[derive(Debug)]
pub(super) struct Workers {
    program: PathBuf,
    arguments: &'static [&'static str],
    /// At most as many as there are engines.
    idle: Mutex<Vec<Worker>>,
}

#[derive(Debug)]
struct Worker {
    child: Child,
    input: ChildStdin,
    output: BufReader<ChildStdout>,
}

impl Workers {
    pub(super) fn new(program: PathBuf, arguments: &'static [&'static str]) -> Self {
        Self { program, arguments, idle: Mutex::default() }
    }

    /// Has a codec run; a program that breaks off while it does is stopped by its own watchdog. One that has ended
    /// before it could be asked costs nothing: another one is.
    pub(super) fn run(&self, source: &str, call: Option<&Call>) -> Result<Answer, Error> {
        match self.ask(source, call) {
            Ok(mut worker) => match worker.hear() {
                Ok(reply) => {
                    self.idle.lock().unwrap_or_else(PoisonError::into_inner).push(worker);
                    reply.into()
                }
                Err(_) => Err(Error::Deadline),
            },
            Err(error) => {
                tracing::error!("codecs cannot be run by `{}`: {error}", self.program.display());
                Err(Error::Busy)
            }
        }
    }

    /// A program that has been asked: one that waits, or a new one where none does or it has ended meanwhile.
    fn ask(&self, source: &str, call: Option<&Call>) -> io::Result<Worker> {
        let mut line = serde_json::to_vec(&Request { source: source.into(), call: call.map(Into::into) })?;
        line.push(b'\n');
        let idle = self.idle.lock().unwrap_or_else(PoisonError::into_inner).pop();
        if let Some(mut worker) = idle
            && worker.input.write_all(&line).is_ok()
        {
            return Ok(worker);
        }
        let mut worker = self.start()?;
        worker.input.write_all(&line)?;
        Ok(worker)
    }

    fn start(&self) -> io::Result<Worker> {
        let mut command = Command::new(&self.program);
        command.args(self.arguments).env_clear().current_dir("/");
        let mut child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::null()).spawn()?;
        let (Some(input), Some(output)) = (child.stdin.take(), child.stdout.take()) else {
            return Err(io::Error::other("it has no pipes"));
        };
        Ok(Worker { child, input, output: BufReader::new(output) })
    }
}

impl Worker {
    fn hear(&mut self) -> io::Result<Reply> {
        let mut line = String::new();
        self.output.read_line(&mut line)?;
        Ok(serde_json::from_str(&line)?)
    }
}

impl Drop for Worker {
    fn drop(&mut self) {
        // It may have ended by itself.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Runs the codecs that a station asks for, one after the other, until it asks for no more; ends the process when one
/// cannot be stopped otherwise.
///
/// **Errors**: the station cannot be read from or written to.
pub fn run_scripts(input: impl Read, mut output: impl Write) -> io::Result<()> {
    let (begun, begins) = mpsc::sync_channel::<()>(0);
    let (done, ends) = mpsc::sync_channel::<()>(1);
    thread::spawn(move || {
        while begins.recv().is_ok() {
            if let Err(mpsc::RecvTimeoutError::Timeout) = ends.recv_timeout(PATIENCE) {
                std::process::exit(1);
            }
        }
    });
    let mut lines = BufReader::new(input);
    let mut line = String::new();
    while lines.read_line(&mut line)? > 0 {
        let Request { source, call } = serde_json::from_str(&line)?;
        let call = call.map(Call::from);
        begun.send(()).map_err(io::Error::other)?;
        let reply = Reply::from(run_here(&source, call.as_ref()));
        done.send(()).map_err(io::Error::other)?;
        serde_json::to_writer(&mut output, &reply)?;
        output.write_all(b"\n")?;
        output.flush()?;
        line.clear();
    }
    Ok(())
}

pub(super) fn run_here(source: &str, call: Option<&Call>) -> Result<Answer, Error> {
    match call {
        None => script::check(source).map(|()| Answer::default()),
        Some(Call { f_port, payload, received_at }) => {
            script::run(source, script::Call { f_port: *f_port, payload, received_at: *received_at })
        }
    }
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;

    /// Writes down each start and answers every line; a line with `die` ends it.
    const PROGRAM: &str = "echo started >> \"$0\"; while read -r line; do case $line in *die*) exit 1;; esac; \
                           echo '{\"Answer\":{\"numbers\":[],\"texts\":[],\"warnings\":[]}}'; done";

    #[test]
    fn a_program_that_ended_while_it_waited_costs_nothing_and_one_that_ends_at_work_its_own_payload() {
        let folder = tempfile::tempdir().unwrap();
        let log = folder.path().join("log");
        let arguments = ["-c", PROGRAM, log.to_str().unwrap().to_owned().leak()];
        let workers = Workers::new("/bin/sh".into(), Box::leak(Box::new(arguments)));
        let run = |source: &str| workers.run(source, None);
        let starts = || fs::read_to_string(&log).unwrap().lines().count();

        assert_eq!(run("live"), Ok(Answer::default()));
        assert_eq!(run("live"), Ok(Answer::default()));
        assert_eq!(starts(), 1);

        for worker in &mut *workers.idle.lock().unwrap() {
            worker.child.kill().unwrap();
            worker.child.wait().unwrap();
        }
        assert_eq!(run("live"), Ok(Answer::default()));
        assert_eq!(starts(), 2);

        assert_eq!(run("die"), Err(Error::Deadline));
        assert_eq!(starts(), 2, "it is not given to another one");
        assert_eq!(run("live"), Ok(Answer::default()));
        assert_eq!(starts(), 3);
    }
}
