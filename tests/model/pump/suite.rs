//! A cipher suite whose records may say nothing, which rustls would not send by itself.

use rustls::crypto::cipher::{
    AeadKey, Iv, MessageDecrypter, MessageEncrypter, OutboundChunks, OutboundOpaqueMessage,
    OutboundPlainMessage, Tls13AeadAlgorithm, UnsupportedOperationError,
};
use rustls::crypto::ring::cipher_suite::TLS13_AES_128_GCM_SHA256;
use rustls::{CipherSuiteCommon, ConnectionTrafficSecrets, Error, Tls13CipherSuite};
use std::sync::LazyLock;

/// What stands for an empty record, which rustls would not make.
pub const NOTHING: &[u8] = &[255; 3];

/// What a client speaks.
pub static SUITE: LazyLock<Tls13CipherSuite> = LazyLock::new(|| {
    let real = real_suite();
    Tls13CipherSuite {
        common: CipherSuiteCommon {
            suite: real.common.suite,
            hash_provider: real.common.hash_provider,
            confidentiality_limit: real.common.confidentiality_limit,
        },
        hkdf_provider: real.hkdf_provider,
        aead_alg: &Aead,
        quic: None,
    }
});

fn real_suite() -> &'static Tls13CipherSuite {
    TLS13_AES_128_GCM_SHA256.tls13().expect("it is of TLS 1.3")
}

/// Encrypts as the real one does, but [`NOTHING`] as nothing.
struct Aead;

struct Encrypter(Box<dyn MessageEncrypter>);

impl Tls13AeadAlgorithm for Aead {
    fn encrypter(&self, key: AeadKey, iv: Iv) -> Box<dyn MessageEncrypter> {
        Box::new(Encrypter(real_suite().aead_alg.encrypter(key, iv)))
    }

    fn decrypter(&self, key: AeadKey, iv: Iv) -> Box<dyn MessageDecrypter> {
        real_suite().aead_alg.decrypter(key, iv)
    }

    fn key_len(&self) -> usize {
        real_suite().aead_alg.key_len()
    }

    fn extract_keys(
        &self,
        key: AeadKey,
        iv: Iv,
    ) -> Result<ConnectionTrafficSecrets, UnsupportedOperationError> {
        real_suite().aead_alg.extract_keys(key, iv)
    }
}

impl MessageEncrypter for Encrypter {
    fn encrypt(
        &mut self,
        mut message: OutboundPlainMessage<'_>,
        sequence: u64,
    ) -> Result<OutboundOpaqueMessage, Error> {
        if message.payload.to_vec() == NOTHING {
            message.payload = OutboundChunks::new_empty();
        }
        self.0.encrypt(message, sequence)
    }

    fn encrypted_payload_len(&self, length: usize) -> usize {
        self.0.encrypted_payload_len(length)
    }
}
