//! Passwords: argon2id, a few at a time, so that signing in never starves what takes readings in.

use std::{sync::Arc, time::Duration};

use argon2::{
    Argon2,
    password_hash::{self, PasswordHasher, PasswordVerifier},
};
use model::PasswordHash;
use store::Error;
use tokio::{sync::Semaphore, time::timeout};

/// How many hashes are worked out at once.
const WORKERS: usize = 1;
/// How many more may wait for their turn.
const WAITING_MAX: usize = 32;
/// How long they wait.
const PATIENCE: Duration = Duration::from_secs(10);
/// The fewest characters of a password.
pub(crate) const CHARS_MIN: usize = 10;
/// The most bytes of a password; longer ones would make hashing expensive.
pub(crate) const BYTES_MAX: usize = 512;

/// Works out hashes of passwords.
pub(crate) struct Passwords {
    turn: Arc<Semaphore>,
    queue: Semaphore,
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
            queue: Semaphore::new(WORKERS + WAITING_MAX),
            nobody: PasswordHash(NOBODY.to_owned()),
        }
    }

    /// What is kept of a password.
    ///
    /// **Errors**: `Unavailable` if too many are being worked out.
    pub(crate) async fn hash(&self, password: &str) -> Result<PasswordHash, Error> {
        let password = password.to_owned();
        let hashed = self.work(move || {
            let hash: password_hash::phc::PasswordHash = Argon2::default().hash_password(password.as_bytes())?;
            Ok::<_, password_hash::Error>(PasswordHash(hash.to_string()))
        });
        hashed.await?.map_err(|error| Error::internal(error.to_string()))
    }

    /// Whether a password is the one of a hash. Without a hash it is not, and takes as long.
    ///
    /// **Errors**: `Unavailable` if too many are being worked out.
    pub(crate) async fn verify(&self, password: &str, hash: Option<&PasswordHash>) -> Result<bool, Error> {
        let is_somebody = hash.is_some();
        let (password, hash) = (password.to_owned(), hash.unwrap_or(&self.nobody).0.clone());
        let verified = self.work(move || {
            let parsed = password_hash::phc::PasswordHash::new(&hash);
            parsed.is_ok_and(|hash| Argon2::default().verify_password(password.as_bytes(), &hash).is_ok())
        });
        Ok(verified.await? && is_somebody)
    }

    async fn work<T: Send + 'static>(&self, work: impl FnOnce() -> T + Send + 'static) -> Result<T, Error> {
        let busy = || Error::Unavailable("too many people sign in at once; try again".to_owned());
        let _place = self.queue.try_acquire().map_err(|_| busy())?;
        let turn = timeout(PATIENCE, Arc::clone(&self.turn).acquire_owned()).await;
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

/// Whether a password may be chosen.
pub(crate) fn is_acceptable(password: &str) -> bool {
    password.chars().count() >= CHARS_MIN && password.len() <= BYTES_MAX
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_password_is_known_by_its_hash_and_others_are_not() {
        let passwords = Passwords::new();
        let hash = passwords.hash("correct horse").await.unwrap();
        assert!(hash.0.starts_with("$argon2id$"), "{}", hash.0);
        assert!(passwords.verify("correct horse", Some(&hash)).await.unwrap());
        assert!(!passwords.verify("correct house", Some(&hash)).await.unwrap());
        assert!(!passwords.verify("correct horse", None).await.unwrap());
        assert!(!passwords.verify("x", Some(&PasswordHash("nonsense".to_owned()))).await.unwrap());
        assert_ne!(passwords.hash("correct horse").await.unwrap(), hash, "each has its own salt");
    }

    #[test]
    fn the_hash_of_nobody_is_one() {
        assert!(password_hash::phc::PasswordHash::new(&Passwords::new().nobody.0).is_ok());
    }

    #[tokio::test]
    async fn a_crowd_is_refused_rather_than_queued_for_ever() {
        let passwords = Passwords::new();
        let _taken: Vec<_> = (0..WORKERS + WAITING_MAX).map(|_| passwords.queue.try_acquire().unwrap()).collect();
        assert!(matches!(passwords.verify("x", None).await, Err(Error::Unavailable(_))));
    }

    #[test]
    fn short_and_huge_passwords_are_not_acceptable() {
        assert!(!is_acceptable("123456789") && is_acceptable("1234567890") && !is_acceptable(&"x".repeat(513)));
    }
}
