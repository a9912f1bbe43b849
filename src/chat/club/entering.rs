//! Who comes in, and who waits to be let in.

use crate::address::Address;
use crate::chat::Scene;
use crate::chat::club::bans::tell_ban;
use crate::chat::club::lobby::{Visitor, WAITING_TIME, Why};
use crate::chat::club::{Club, Policy};
use crate::chat::history::{History, Since};
use crate::event::{Answer, ClientId, Ending};
use crate::logging::clients as client_log;
use crate::name::Name;
use crate::units::show_duration;

/// How many lines somebody is shown of what they missed.
const MOST_MISSED: usize = 200;

impl Club {
    /// Why somebody has to wait now, if they have.
    pub fn reason_to_wait(&self, visitor: &Visitor) -> Option<Why> {
        let is_user = matches!(visitor.address, Address::User(_));
        match self.policy {
            // The address may be banned besides: that is looked at once the password is there.
            Policy::RoomPassword if !visitor.knows_password && !is_user => Some(Why::RoomPassword),
            Policy::MembersOnly => self.ban_of(visitor.address).or(Some(Why::MembersOnly)),
            _ => self.ban_of(visitor.address),
        }
    }

    fn ban_of(&self, address: Address) -> Option<Why> {
        let ban = self.bans.of_address(address, self.chat.clock().time);
        ban.map(|ban| Why::Banned(tell_ban(ban)))
    }

    /// A newcomer reads the message of the day and why it has to wait.
    pub fn have_wait(&mut self, client: ClientId, visitor: Visitor) {
        let (address, came) = (visitor.address, visitor.came);
        let has_room = self.lobby.has_room_for(address.host());
        client_log::waits(address);
        self.chat.delivery().keep_outside(client);
        self.lobby.add(client, visitor);
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

    /// Why somebody waits who does; nothing if they are here.
    pub fn why_waits(&self, client: ClientId) -> Option<Why> {
        self.reason_to_wait(self.lobby.get(client)?)
    }

    /// Whether somebody waits who has sent something; they come in if there is no reason any more.
    pub fn waits_still(&mut self, client: ClientId) -> bool {
        let waits = self.why_waits(client).is_some();
        if !waits {
            self.let_in_as_guest(client);
        }
        waits
    }

    /// Somebody who waits has sent so many lines of something else than what lets them in.
    pub fn repeat_why(&mut self, client: ClientId, times: usize) {
        if let Some(line) = self.why_waits(client).and_then(|why| why.line()) {
            for _ in 0..times {
                self.tell(client, format_args!("{line}"));
            }
        }
    }

    /// Somebody has given the room's password.
    pub fn gave_password(&mut self, client: ClientId) {
        if let Some(visitor) = self.lobby.get_mut(client) {
            visitor.knows_password = true;
        }
        if self.waits_still(client) {
            self.repeat_why(client, 1);
        }
    }

    /// Lets somebody in who waits, if they do.
    fn let_in_as_guest(&mut self, client: ClientId) {
        if let Some(visitor) = self.lobby.remove(client) {
            let name = Name::guest(client.0);
            self.let_in(client, &visitor, &name, None);
            self.chat.say_how_to_begin(client);
        }
    }

    /// Somebody who waited comes in, and reads what was said before: all since they were last here, or
    /// the last lines.
    pub fn let_in(
        &mut self,
        client: ClientId,
        visitor: &Visitor,
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
            .admit(client, name.clone(), visitor.address, visitor.came);
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
