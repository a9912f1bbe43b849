//! Many wrong passwords: what they cost, and whom they do not concern.

use std::net::Ipv4Addr;

use crate::kit::{Chat, DataDir, PROMPT, only_in_plain, password_of};

const ATTACKERS: usize = 50;

#[test]
fn wrong_passwords_from_one_address_delay_neither_the_chat_nor_an_owner_elsewhere() {
    if only_in_plain("others have one address") {
        return;
    }
    let directory = DataDir::new();
    let server = directory.server(&["--register"]);
    server.registered("alice").send("/quit");
    server.log_line(|line| line.contains("left: ") && line.contains(" alice, "));
    let mut chat = Chat::start(&server);
    let address = Ipv4Addr::new(127, 0, 0, 66);
    let mut attackers = Vec::new();
    for _ in 0..ATTACKERS {
        let client = server.connect_from(address);
        client.send("/login alice\nwrong\nwrong\nwrong");
        attackers.push(client);
    }
    chat.goes_on(100);
    // Nobody is kept out by wrong passwords from other addresses.
    let mut alice = server.logged_in("alice", &password_of("alice"));
    chat.goes_on(1);
    let mut refused = 0;
    for attacker in &mut attackers {
        let read = attacker.expect_eof();
        let last = read.last().expect("a reason").as_str();
        match last {
            "-- wrong name or password" | "-- busy, try again in a few seconds" => {}
            _ => {
                assert!(
                    last.starts_with("-- too many wrong passwords, try again in "),
                    "{last}"
                );
                refused += 1;
            }
        }
    }
    // 50 times 3 of them owe more than 5 minutes, which needs 31.
    assert!(refused > 0, "nobody was refused");
    let told = |line: &str| line.contains("too many wrong passwords: 127.0.0.66");
    assert_eq!(server.log_lines(1, told).len(), 1, "the log says it once");
    // The right one is refused there too, unchecked.
    let mut owner = server.connect_from(address);
    owner.send(&format!("/login alice\n{}\nhello", password_of("alice")));
    let read = owner.expect_eof();
    let last = read.last().expect("a reason");
    assert_eq!(read[read.len() - 2], PROMPT, "{read:?}");
    assert!(
        last.starts_with("-- too many wrong passwords, try again in "),
        "{last}"
    );
    let read = alice.settle();
    assert!(!read.iter().any(|line| line.contains("hello")), "{read:?}");
}
