//! Who comes in, and who waits to be let in.

use crate::address::Address;
use crate::chat::Scene;
use crate::chat::club::bans::show_ban;
use crate::chat::club::lobby::{WAITING_TIME, Waiting, Why};
use crate::chat::club::{Club, Policy};
use crate::chat::history::{History, Since};
use crate::event::{Answer, ClientId, Ending};
use crate::logging::clients as client_log;
use crate::name::Name;
use crate::units::show_duration;

/// How many lines somebody is shown of what they missed.
const MOST_MISSED: usize = 200;

impl Club {
    /// Why somebody who comes from there has to wait, if they have.
    pub fn reason_to_wait(&self, address: Address) -> Option<Why> {
        match self.policy {
            // The address may be banned besides: that is looked at once the password is there.
            Policy::RoomPassword if !matches!(address, Address::User(_)) => Some(Why::RoomPassword),
            Policy::MembersOnly => self.ban_of(address).or(Some(Why::MembersOnly)),
            _ => self.ban_of(address),
        }
    }

    fn ban_of(&self, address: Address) -> Option<Why> {
        let ban = self.bans.of_address(address, self.chat.clock().time);
        ban.map(|ban| Why::Banned(show_ban(ban)))
    }

    /// A newcomer reads the message of the day and why it has to wait.
    pub fn have_wait(&mut self, client: ClientId, address: Address, why: Why) {
        let came = self.chat.clock();
        let has_room = self.lobby.has_room_for(address.host());
        client_log::waits(address);
        self.chat.delivery().keep_outside(client);
        self.lobby.add(client, Waiting { address, came, why });
        if !has_room {
            self.tell(
                client,
                format_args!("too many wait at your address, try again later"),
            );
            return self.end(client, Ending::NoLogin);
        }
        // Without a history.
        let motd = self
            .motd
            .text(&self.chat.motd, &History::default(), came.time);
        self.chat.delivery().tell(client, Answer::SharedLines(motd));
        self.repeat_why(client, 1);
    }

    /// Somebody who waits has sent so many lines of something else than what lets them in.
    pub fn repeat_why(&mut self, client: ClientId, times: usize) {
        let waiting = self.lobby.get(client);
        if let Some(line) = waiting.and_then(|waiting| waiting.why.line()) {
            for _ in 0..times {
                self.tell(client, format_args!("{line}"));
            }
        }
    }

    /// Somebody has given the room's password.
    pub fn gave_password(&mut self, client: ClientId) {
        let Some(waiting) = self.lobby.remove(client) else {
            return;
        };
        if let Some(why) = self.ban_of(waiting.address) {
            self.lobby.add(client, Waiting { why, ..waiting });
            return self.repeat_why(client, 1);
        }
        let name = Name::guest(client.0);
        self.let_in(client, &waiting, &name, None);
        self.chat.say_how_to_begin(client);
    }

    /// Somebody who waited comes in, and reads what was said before: all since they were last here, or
    /// the last lines.
    pub fn let_in(
        &mut self,
        client: ClientId,
        waiting: &Waiting,
        name: &Name,
        since: Option<Since>,
    ) {
        let now = self.chat.clock().time;
        self.chat.delivery().let_in(client);
        if let Some(since) = since {
            self.show_missed(client, name, since);
        } else {
            let history = self.history.text(&[], &self.chat.room.history, now);
            let history = Answer::SharedLines(history);
            self.chat.delivery().tell(client, history);
        }
        let notice = self.notice.text(&[], &History::default(), now);
        self.chat
            .delivery()
            .tell(client, Answer::SharedLines(notice));
        self.chat
            .admit(client, name.clone(), waiting.address, waiting.came);
    }

    /// What others said since then, as far as memory goes.
    pub fn show_missed(&mut self, client: ClientId, name: &Name, since: Since) {
        let mut text = Vec::new();
        let now = self.chat.clock().time;
        let history = &self.chat.room.history;
        history.push_since(&mut text, since, name, MOST_MISSED, now);
        self.chat.delivery().tell(client, Answer::Lines(text));
    }

    /// Turns out those who have waited too long.
    pub fn turn_out_late(&mut self) {
        let now = self.chat.clock().instant;
        while let Some(client) = self.lobby.first_late(now) {
            let time = show_duration(WAITING_TIME);
            self.tell(client, format_args!("no login for {time}"));
            self.end(client, Ending::NoLogin);
        }
    }
}
