//! How passwords are kept: Argon2id (RFC 9106), as PHC strings. What it computes in lies in a
//! channel, so that many logins at once take no more memory than few.

use crate::passwords::Password;
use argon2::password_hash::phc::{Output, ParamsString, PasswordHash, Salt};
use argon2::{ARGON2ID_IDENT, Algorithm, Argon2, Block, Params, Version};
use crossbeam_channel::{Receiver, Sender, bounded};
use rustix::rand::{GetRandomFlags, getrandom};
use std::{fmt, io, mem};

/// How many hashes are computed at once.
const BUFFERS: usize = 2;

/// 19 MiB, 2 passes and 1 lane, which takes about 55 ms (OWASP, Password Storage Cheat Sheet).
const MEMORY_KIB: u32 = 19 << 10;
const PASSES: u32 = 2;
const LANES: u32 = 1;

/// What a hash may ask for that was made with other parameters: no more memory than there is, and
/// four times as many passes.
const MOST_PASSES: u32 = 8;

const SALT_BYTES: usize = 16;
const HASH_BYTES: usize = 32;

/// The memory in which hashes are computed.
pub struct Buffers {
    free: Receiver<Vec<Block>>,
    given_back: Sender<Vec<Block>>,
}

/// 19 MiB, which go back to the others when this is dropped.
pub struct Buffer {
    /// Empty until it is needed for the first time: many servers never check a password.
    blocks: Vec<Block>,
    home: Sender<Vec<Block>>,
}

/// Why a password cannot be compared with a hash.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum BadHash {
    /// It is no PHC string of Argon2id.
    Unknown,
    /// It asks for more memory or time than any that chatd has made.
    TooCostly,
}

impl fmt::Display for BadHash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Unknown => "the hash is no PHC string of Argon2id",
            Self::TooCostly => "the hash asks for too much memory or time",
        })
    }
}

impl Default for Buffers {
    fn default() -> Self {
        let (given_back, free) = bounded(BUFFERS);
        for _ in 0..BUFFERS {
            // There is room for each.
            let _ = given_back.try_send(Vec::new());
        }
        Self { free, given_back }
    }
}

impl Buffers {
    /// Takes one, if one is free.
    pub fn try_take(&self) -> Option<Buffer> {
        let blocks = self.free.try_recv().ok()?;
        let home = self.given_back.clone();
        Some(Buffer { blocks, home })
    }

    /// Whether nothing is computed now.
    pub fn are_idle(&self) -> bool {
        self.free.is_full()
    }
}

impl Buffer {
    /// What is kept of a new password, with a salt of its own.
    ///
    /// # Errors
    ///
    /// The system has no random numbers.
    pub fn hash(&mut self, password: &Password) -> io::Result<String> {
        let mut salt = [0; SALT_BYTES];
        // So few bytes come at once or not at all (getrandom(2)).
        getrandom(&mut salt, GetRandomFlags::empty())?;
        let params = Params::new(MEMORY_KIB, PASSES, LANES, Some(HASH_BYTES));
        let params = params.map_err(io::Error::other)?;
        let argon2 = Argon2::new(Algorithm::Argon2id, Version::V0x13, params);
        let output = self.compute(&argon2, password, &salt, HASH_BYTES);
        let hash = PasswordHash {
            algorithm: ARGON2ID_IDENT,
            version: Some(Version::V0x13.into()),
            params: ParamsString::try_from(argon2.params()).map_err(io::Error::other)?,
            salt: Some(Salt::new(&salt).map_err(io::Error::other)?),
            hash: Some(output.ok_or(io::ErrorKind::InvalidData)?),
        };
        Ok(hash.to_string())
    }

    /// Whether this is the password of which `hash` is kept, with the parameters in there.
    ///
    /// # Errors
    ///
    /// `hash` is none that can be compared with.
    pub fn is_right(&mut self, password: &Password, hash: &str) -> Result<bool, BadHash> {
        let hash = PasswordHash::new(hash).map_err(|_| BadHash::Unknown)?;
        let params = Params::try_from(&hash).map_err(|_| BadHash::Unknown)?;
        let version = hash.version.unwrap_or(Version::V0x10.into());
        let version = Version::try_from(version).map_err(|_| BadHash::Unknown)?;
        let (Some(salt), Some(expected)) = (&hash.salt, &hash.hash) else {
            return Err(BadHash::Unknown);
        };
        if hash.algorithm != ARGON2ID_IDENT {
            return Err(BadHash::Unknown);
        }
        if params.m_cost() > MEMORY_KIB || params.t_cost() > MOST_PASSES {
            return Err(BadHash::TooCostly);
        }
        let argon2 = Argon2::new(Algorithm::Argon2id, version, params);
        let output = self.compute(&argon2, password, salt, expected.len());
        // They are compared in constant time.
        Ok(output.ok_or(BadHash::Unknown)? == *expected)
    }

    fn compute(
        &mut self,
        argon2: &Argon2<'_>,
        password: &Password,
        salt: &[u8],
        bytes: usize,
    ) -> Option<Output> {
        self.blocks.resize(MEMORY_KIB as usize, Block::new());
        let mut output = [0; Output::MAX_LENGTH];
        let output = output.get_mut(..bytes)?;
        argon2
            .hash_password_into_with_memory(&password.0, salt, output, &mut self.blocks)
            .ok()?;
        Output::new(output).ok()
    }
}

impl Drop for Buffer {
    fn drop(&mut self) {
        // There is room for as many as there are.
        let _ = self.home.try_send(mem::take(&mut self.blocks));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn password(text: &str) -> Password {
        Password::read(text.as_bytes()).unwrap()
    }

    fn is_right(text: &str, hash: &str) -> Result<bool, BadHash> {
        let mut buffer = Buffers::default().try_take().unwrap();
        buffer.is_right(&password(text), hash)
    }

    #[test]
    fn passwords_are_kept_as_phc_strings_of_argon2id_with_19_mib_2_passes_and_1_lane() {
        let mut buffer = Buffers::default().try_take().unwrap();
        let hashes = [(); 2].map(|()| buffer.hash(&password("gr\u{fc}ße dich")).unwrap());
        let [hash, other] = &hashes;
        assert!(
            hash.starts_with("$argon2id$v=19$m=19456,t=2,p=1$"),
            "{hash}"
        );
        assert_ne!(hash, other, "each has a salt of its own");
        for (text, expected) in [("gru\u{308}ße dich", true), ("gr\u{fc}ße dihc", false)] {
            let right = buffer.is_right(&password(text), hash);
            assert_eq!(right, Ok(expected), "{text}");
        }
    }

    /// The hashes are those of the reference implementation's own tests.
    #[test]
    fn the_parameters_of_another_hash_are_honoured() {
        for hash in [
            "$argon2id$v=19$m=256,t=2,p=1$c29tZXNhbHQ$nf65EOgLrQMR/uIPnA4rEsF5h7TKyQwu9U1bMCHGi/4",
            "$argon2id$v=19$m=256,t=2,p=2$c29tZXNhbHQ$bQk8UB/VmZZF4Oo79iDXuL5/0ttZwg2f/5U52iv1cDc",
        ] {
            assert_eq!(is_right("password", hash), Ok(true), "{hash}");
            assert_eq!(is_right("passwore", hash), Ok(false), "{hash}");
        }
    }

    #[test]
    fn a_hash_that_asks_for_too_much_is_not_obeyed() {
        for params in ["m=4194304,t=2,p=1", "m=19457,t=2,p=1", "m=256,t=9,p=1"] {
            let hash = format!("$argon2id$v=19${params}$c29tZXNhbHQ$nf65EOgLrQMR/uIPnA4rEg");
            assert_eq!(
                is_right("password", &hash),
                Err(BadHash::TooCostly),
                "{hash}"
            );
        }
    }

    #[test]
    fn what_is_no_hash_of_argon2id_is_nobodys_password() {
        for hash in [
            "",
            "password",
            "$argon2i$v=19$m=256,t=2,p=1$c29tZXNhbHQ$iekCn0Y3spW+sCcFanM2xBT63UP2sghkUoHLIUpWRS8",
            "$argon2id$v=20$m=256,t=2,p=1$c29tZXNhbHQ$nf65EOgLrQMR/uIPnA4rEg",
            "$argon2id$v=19$m=1,t=2,p=1$c29tZXNhbHQ$nf65EOgLrQMR/uIPnA4rEg",
            "$argon2id$v=19$m=256,t=2,p=1$c29tZXNhbHQ",
            "$argon2id$v=19$m=256,t=2,p=1",
        ] {
            assert_eq!(is_right("password", hash), Err(BadHash::Unknown), "{hash}");
        }
    }

    #[test]
    fn there_are_two_buffers_and_each_goes_back() {
        let buffers = Buffers::default();
        for _ in 0..3 {
            let taken = [(); 3].map(|()| buffers.try_take());
            assert_eq!(taken.iter().flatten().count(), 2);
        }
    }
}
