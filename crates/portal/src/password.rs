//! Passwords: argon2id, a few at a time, so that signing in never starves what takes readings in.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use argon2::{
    Argon2,
    password_hash::{self, PasswordHasher, PasswordVerifier},
};
use model::{Network, PasswordHash};
use store::Error;
use tokio::{sync::Semaphore, time::timeout};

/// How many hashes are worked out at once.
const WORKERS: usize = 1;
/// How many may be in the queue, the one whose turn it is included.
const QUEUE_MAX: usize = 128;
/// How many places of the queue are left for those who have signed in from where they are before:
/// a crowd of strangers must not keep them out.
const KNOWN_MAX: usize = 16;
/// How many of one network may be in the queue.
const QUEUE_OF_NETWORK_MAX: usize = 4;
/// How long they wait.
const PATIENCE: Duration = Duration::from_secs(10);
/// The fewest characters of a password.
pub(crate) const CHARS_MIN: usize = 10;
/// The most bytes of a password; longer ones would make hashing expensive.
pub(crate) const BYTES_MAX: usize = 512;

/// Works out hashes of passwords.
pub(crate) struct Passwords {
    turn: Arc<Semaphore>,
    /// How many of each network are in the queue.
    queue: Mutex<HashMap<Network, usize>>,
    /// What a password of nobody is compared with, so that it takes as long as somebody's.
    nobody: PasswordHash,
}

impl Passwords {
    pub(crate) fn new() -> Self {
        /// A hash of random bytes that are gone.
        const NOBODY: &str = "$argon2id$v=19$m=19456,t=2,p=1$Y2xvdWRsZXNzLW1vcm4$\
                              0gFZEW7dYx0wq8tkzXZr3U4y1mDqk3m0bC7xS1q7bWk";
        Self {
            turn: Arc::new(Semaphore::new(WORKERS)),
            queue: Mutex::default(),
            nobody: PasswordHash(NOBODY.to_owned()),
        }
    }

    /// A place in the queue for whoever asks from a network. Whoever is known there has signed in
    /// from it before.
    ///
    /// **Errors**: `Unavailable` if there is none left.
    pub(crate) fn queue_up(&self, network: Network, is_known: bool) -> Result<Place<'_>, Error> {
        let mut queue = self.lock();
        let (all, own) = (queue.values().sum::<usize>(), queue.get(&network).copied().unwrap_or(0));
        let all_max = if is_known { QUEUE_MAX } else { QUEUE_MAX - KNOWN_MAX };
        if own >= QUEUE_OF_NETWORK_MAX || all >= all_max {
            return Err(busy());
        }
        queue.insert(network, own + 1);
        Ok(Place { passwords: self, network })
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, HashMap<Network, usize>> {
        self.queue.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn busy() -> Error {
    Error::Unavailable("too many people sign in at once; try again".to_owned())
}

/// A place in the queue for hashes; it is free again when this goes.
pub(crate) struct Place<'a> {
    passwords: &'a Passwords,
    network: Network,
}

impl Place<'_> {
    /// What is kept of a password.
    ///
    /// **Errors**: `Unavailable` if it takes too long until it is this one's turn.
    pub(crate) async fn hash(&self, password: &str) -> Result<PasswordHash, Error> {
        let password = password.to_owned();
        self.work(move || hash(&password)).await?
    }

    /// Whether a password is the one of a hash. Without a hash it is not, and takes as long.
    ///
    /// **Errors**: `Unavailable` if it takes too long until it is this one's turn.
    pub(crate) async fn verify(&self, password: &str, hash: Option<&PasswordHash>) -> Result<bool, Error> {
        let is_somebody = hash.is_some();
        let (password, hash) = (password.to_owned(), hash.unwrap_or(&self.passwords.nobody).0.clone());
        let verified = self.work(move || {
            let parsed = password_hash::phc::PasswordHash::new(&hash);
            parsed.is_ok_and(|hash| Argon2::default().verify_password(password.as_bytes(), &hash).is_ok())
        });
        Ok(verified.await? && is_somebody)
    }

    async fn work<T: Send + 'static>(&self, work: impl FnOnce() -> T + Send + 'static) -> Result<T, Error> {
        let turn = timeout(PATIENCE, Arc::clone(&self.passwords.turn).acquire_owned()).await;
        let turn = turn.map_err(|_| busy())?.map_err(Error::internal)?;
        let done = tokio::task::spawn_blocking(move || {
            let done = work();
            // The turn ends with the work, also when whoever asked is gone.
            drop(turn);
            done
        });
        done.await.map_err(Error::internal)
    }
}

impl Drop for Place<'_> {
    fn drop(&mut self) {
        let mut queue = self.passwords.lock();
        match queue.get_mut(&self.network) {
            Some(count) if *count > 1 => *count -= 1,
            _ => {
                queue.remove(&self.network);
            }
        }
    }
}

/// What is kept of a password, worked out here and now.
///
/// **Errors**: `Internal` if the operating system gives no random bytes.
pub(crate) fn hash(password: &str) -> Result<PasswordHash, Error> {
    let hash: password_hash::phc::PasswordHash =
        Argon2::default().hash_password(password.as_bytes()).map_err(|error| Error::internal(error.to_string()))?;
    Ok(PasswordHash(hash.to_string()))
}

/// Whether a password may be chosen.
pub(crate) fn is_acceptable(password: &str) -> bool {
    password.chars().count() >= CHARS_MIN && password.len() <= BYTES_MAX
}

#[cfg(test)]
mod tests {
    use super::*;

    fn network(number: u32) -> Network {
        std::net::IpAddr::V4(number.into()).into()
    }

    #[tokio::test]
    async fn a_password_is_known_by_its_hash_and_others_are_not() {
        let passwords = Passwords::new();
        let place = passwords.queue_up(network(1), false).unwrap();
        let hash = place.hash("correct horse").await.unwrap();
        assert!(hash.0.starts_with("$argon2id$"), "{}", hash.0);
        assert!(place.verify("correct horse", Some(&hash)).await.unwrap());
        assert!(!place.verify("correct house", Some(&hash)).await.unwrap());
        assert!(!place.verify("correct horse", None).await.unwrap());
        assert!(!place.verify("x", Some(&PasswordHash("nonsense".to_owned()))).await.unwrap());
        assert_ne!(place.hash("correct horse").await.unwrap(), hash, "each has its own salt");
    }

    #[test]
    fn the_hash_of_nobody_is_one() {
        assert!(password_hash::phc::PasswordHash::new(&Passwords::new().nobody.0).is_ok());
    }

    #[test]
    fn a_network_has_its_share_of_the_queue_and_no_more() {
        let passwords = Passwords::new();
        let mut places: Vec<_> =
            (0..QUEUE_OF_NETWORK_MAX).map(|_| passwords.queue_up(network(1), false).unwrap()).collect();
        assert!(matches!(passwords.queue_up(network(1), true), Err(Error::Unavailable(_))));
        assert!(passwords.queue_up(network(2), false).is_ok());
        places.pop();
        assert!(passwords.queue_up(network(1), false).is_ok());
        drop(places);
        assert!(passwords.lock().is_empty(), "nobody is remembered");
    }

    #[test]
    fn a_crowd_is_refused_and_whoever_is_known_still_comes_in() {
        let passwords = Passwords::new();
        let _crowd: Vec<_> = (0..).map_while(|number| passwords.queue_up(network(number), false).ok()).collect();
        let refused = passwords.queue_up(network(u32::MAX), false);
        assert!(matches!(refused, Err(Error::Unavailable(_))));
        assert!(passwords.queue_up(network(u32::MAX), true).is_ok());
    }

    #[test]
    fn short_and_huge_passwords_are_not_acceptable() {
        assert!(!is_acceptable("123456789") && is_acceptable("1234567890") && !is_acceptable(&"x".repeat(513)));
    }
}
