//! Properties of the parts that face the clients, each against a simple model. The fuzz targets in
//! `tests/fuzz` run the same checks for as long as one likes.

#![allow(clippy::unwrap_used, clippy::expect_used, missing_docs)]

mod broadcaster;
mod bytes;
mod grammar;
mod harm;
mod line_cutter;
#[cfg(feature = "tls")]
mod pump;
mod regressions;
mod slow_readers;

use proptest::prelude::*;
use proptest::test_runner::RngSeed;

/// The same cases every time, so that whoever has a failure can show it to others: new ones are
/// the fuzzers' task. What they find becomes a test with a name, not a file of seeds.
fn cases(cases: u32) -> ProptestConfig {
    ProptestConfig {
        cases,
        failure_persistence: None,
        rng_seed: RngSeed::Fixed(4),
        ..ProptestConfig::default()
    }
}

/// Bytes among which those that mean something are frequent, and come several times in a row.
fn stream(most: usize) -> impl Strategy<Value = Vec<u8>> {
    let telnet: [&[u8]; 6] = [
        b"\xff",
        b"\xff\xfa",
        b"\xff\xf0",
        b"\xff\xfb",
        b"\xff\xfd\x06",
        b"\xff\xec",
    ];
    let line: [&[u8]; 8] = [
        b"\r", b"\n", b"\r\n", b"\r\0", b"\x04", b"\x1b", b"\x08", b"\x7f",
    ];
    let text: [&[u8]; 8] = [
        b"a",
        b" ",
        b"/",
        b"\xcc\x81",
        b"\xe2\x80\x8d",
        b"\xef\xb8\x8f",
        b"\xe2\x80\xae",
        b"/tell bob ",
    ];
    let part = prop_oneof![
        2 => prop::sample::select([telnet.as_slice(), &line].concat()).prop_map(<[u8]>::to_vec),
        2 => prop::sample::select(text.to_vec()).prop_map(<[u8]>::to_vec),
        1 => any::<u8>().prop_map(|byte| vec![byte]),
    ];
    let times = prop_oneof![8 => Just(1), 2 => 2_usize..12, 1 => Just(300)];
    let parts = (part, times).prop_map(|(part, times)| part.repeat(times));
    prop::collection::vec(parts, 0..most).prop_map(|parts| parts.concat())
}

proptest! {
    #![proptest_config(cases(1_500))]

    #[test]
    fn bytes_up_to_lf_are_a_line_and_telnet_commands_are_taken_out_wherever_they_are_split(
        input in stream(100)
    ) {
        line_cutter::check(&input);
    }

    #[test]
    fn a_stray_key_does_not_make_a_private_message_public(input in stream(20)) {
        grammar::check(&input);
    }
}

proptest! {
    #![proptest_config(cases(500))]

    #[test]
    fn every_client_sees_the_same_messages_in_the_same_order_whole_once(
        operations in prop::collection::vec(any::<[u8; broadcaster::OP_BYTES]>(), 0..200)
    ) {
        broadcaster::check(&operations.concat());
    }
}

#[cfg(feature = "tls")]
proptest! {
    #![proptest_config(cases(400))]

    #[test]
    fn a_tls_client_is_carried_as_a_plain_one_whatever_either_side_does(
        choices in any::<[u8; pump::CHOICES]>(),
        operations in prop::collection::vec(any::<[u8; pump::OP_BYTES]>(), 0..150)
    ) {
        pump::check(&[&choices[..], &operations.concat()].concat());
    }
}
