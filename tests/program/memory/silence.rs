//! Crowds that say nothing, half a line, or a byte at a time (P2).

use crate::kit::{
    Chat, Client, Footprint, KIB, Server, crowd_size, crowd_turn, grew_by_less_than, only_in_plain,
};

/// How many there are, where the system allows so many descriptors. The soak bench has the
/// thousands.
const MANY: usize = 1000;

/// What a client may cost in a debug build; a release build is held to less by the soak bench.
const MOST_BYTES_EACH: u64 = 32 * KIB;

fn connect(server: &Server, count: usize) -> Vec<Client> {
    (0..count).map(|_| server.connect()).collect()
}

#[test]
fn a_thousand_who_say_nothing_or_half_a_line_or_a_byte_at_a_time_are_noticed_by_nobody() {
    if only_in_plain("a TLS client takes more memory") {
        return;
    }
    let Some(_turn) = crowd_turn() else { return };
    let all = crowd_size(MANY);
    let server = Server::start(&[]);
    let mut chat = Chat::start(&server);
    let before = (Footprint::of(&server), server.resident_bytes());
    let silent = connect(&server, all * 2 / 5);
    let mut halves = connect(&server, all * 2 / 5);
    let slow = connect(&server, all / 5);
    let half = "x".repeat(2000);
    for client in &halves {
        client.send_bytes(half.as_bytes());
    }
    for byte in b"this line never ends" {
        for client in &slow {
            client.send_bytes(&[*byte]);
        }
        chat.goes_on(5);
    }
    let after = server.resident_bytes();
    grew_by_less_than(
        all as u64 * MOST_BYTES_EACH,
        before.1,
        after,
        &"a crowd is here",
    );

    // The half that waited is not lost.
    let mut late = halves.pop().expect("there are many");
    late.read_welcome();
    late.send(" and the other half");
    late.settle();
    assert_eq!(chat.hears(), format!("{half} and the other half"));

    // A close would make a line of what half of them have begun.
    for client in [silent, halves, slow].into_iter().flatten() {
        client.reset();
    }
    drop(late);
    before.0.returns(&server);
    chat.goes_on(5);
}
