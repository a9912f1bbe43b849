//! What operators do: put people out, silence them, and take back what was said.

use crate::address::Host;
use crate::change::{Change, Erasure};
use crate::chat::club::{Club, with_text};
use crate::chat::commands::{Does, Row, Who::Operators};
use crate::chat::facts::Fact;
use crate::event::{ClientId, Ending};
use crate::logging::clients as client_log;
use crate::name::{Called, Name};
use crate::order::Order;
use crate::text::Line;
use std::mem;

/// In the order of `/help`, which shows them to operators alone.
#[rustfmt::skip]
pub const ORDERS: [Row; 7] = [
    Row { names: &["kick"], usage: "NAME [TEXT]", help: "ends NAME's connection", needs: None, who: Operators, does: Does::Order(Order::kick) },
    Row { names: &["ban"], usage: "NAME|ADDRESS[/BITS] [DURATION] [TEXT]", help: "keeps them out", needs: None, who: Operators, does: Does::Order(Order::ban) },
    Row { names: &["unban"], usage: "NAME|ADDRESS[/BITS]", help: "lets them in again", needs: None, who: Operators, does: Does::Order(Order::unban) },
    Row { names: &["bans"], usage: "", help: "who is kept out", needs: None, who: Operators, does: Does::Order(Order::bans) },
    Row { names: &["mute"], usage: "NAME", help: "lets NAME say nothing", needs: None, who: Operators, does: Does::Order(Order::mute) },
    Row { names: &["unmute"], usage: "NAME", help: "lets NAME speak again", needs: None, who: Operators, does: Does::Order(Order::unmute) },
    Row { names: &["erase"], usage: "NAME [N]", help: "takes back NAME's last lines", needs: None, who: Operators, does: Does::Order(Order::erase) },
];

impl Club {
    /// Does what an operator wants.
    pub fn obey(&mut self, by: ClientId, order: Order) {
        if !matches!(order, Order::Unban(_) | Order::Bans | Order::Erase(..)) {
            // Others are about to read of it.
            self.chat.apply(Fact::Mentioned(by));
        }
        match order {
            Order::Kick(called, text) => self.kick(by, &called, text.as_ref()),
            Order::Ban(whom, time, text) => self.ban(by, &whom, time, text.as_ref()),
            Order::Unban(whom) => self.unban(by, &whom),
            Order::Bans => self.list_bans(by),
            Order::Mute(called) => self.mute(by, &called),
            Order::Unmute(called) => self.unmute(by, &called),
            Order::Erase(called, count) => self.erase(by, &called, count),
        }
    }

    fn kick(&mut self, by: ClientId, called: &Called, text: Option<&Line>) {
        let Some(other) = self.find(by, called, ", nobody was kicked") else {
            return;
        };
        if self.accounts.is_operator(other) {
            return self.tell(by, format_args!("operators cannot be kicked"));
        }
        let [operator, name] = [by, other].map(|client| self.chat.people[client].name.clone());
        client_log::ordered(format_args!("{operator} kicked {name}"));
        let told = with_text(&format!("you were kicked by {operator}"), text);
        self.tell(other, format_args!("{told}"));
        self.end(other, Ending::Kicked);
        self.announce(with_text(&format!("{operator} kicked {name}"), text));
    }

    fn mute(&mut self, by: ClientId, called: &Called) {
        let Some((here, name)) = self.find_or_owner(by, called) else {
            return;
        };
        if here.is_some_and(|other| self.accounts.is_operator(other)) || self.owns_rank(&name) {
            return self.tell(by, format_args!("operators cannot be muted"));
        }
        let is_new = match self.accounts.get_mut(&name) {
            Some(entry) => !mem::replace(&mut entry.is_muted, true),
            None => here.is_some_and(|other| self.muted.insert(other)),
        };
        if !is_new {
            return self.tell(by, format_args!("{name} is muted already"));
        }
        let operator = self.chat.people[by].name.clone();
        client_log::ordered(format_args!("{operator} muted {name}"));
        self.announce(format!("{operator} muted {name}"));
        if self.accounts.get(&name).is_some() {
            return self.tell(by, format_args!("{name} is muted until /unmute {name}"));
        }
        let host = here.map(|other| self.chat.people[other].address.host());
        let instead = match host {
            Some(Host::Ip(_)) => ", /ban keeps a guest out",
            // Only addresses of networks can be banned.
            _ => "",
        };
        self.tell(
            by,
            format_args!("only this connection of {name} is muted{instead}"),
        );
    }

    fn unmute(&mut self, by: ClientId, called: &Called) {
        let Some((here, name)) = self.find_or_owner(by, called) else {
            return;
        };
        let of_connection = here.is_some_and(|other| self.muted.remove(&other));
        let of_account = self.accounts.get_mut(&name);
        let of_account = of_account.is_some_and(|entry| mem::take(&mut entry.is_muted));
        if !of_connection && !of_account {
            return self.tell(by, format_args!("{name} is not muted"));
        }
        let operator = self.chat.people[by].name.clone();
        client_log::ordered(format_args!("{operator} unmuted {name}"));
        self.announce(format!("{operator} unmuted {name}"));
    }

    fn erase(&mut self, by: ClientId, called: &Called, count: usize) {
        let Called::Name(name) = called else {
            return self.tell(by, format_args!("nobody is called so, nothing was erased"));
        };
        let erasure = Erasure {
            name: name.letters().to_owned(),
            since: None,
            until: None,
            count: Some(count),
        };
        let before = self.chat.room.history.count();
        self.chat.apply(Fact::Erased(erasure.clone()));
        let erased = before - self.chat.room.history.count();
        let is_kept = self.chat.room.lasts().is_some();
        // How many there are is known to the keeper alone.
        let more = match count - erased {
            1.. if is_kept => format!(", and up to {} more from the database", count - erased),
            _ => String::new(),
        };
        self.handed.hand(Change::Erased(erasure));
        let lines = if erased == 1 { "line" } else { "lines" };
        let operator = self.chat.people[by].name.clone();
        client_log::ordered(format_args!(
            "{operator} erased {erased} {lines} of {name} from the history{more}"
        ));
        self.tell(
            by,
            format_args!("{erased} {lines} of {name} erased from the history{more}"),
        );
    }

    /// Who is meant, or an answer that they are not here.
    pub fn find(&mut self, by: ClientId, called: &Called, otherwise: &str) -> Option<ClientId> {
        let mut asking = self.asking(by);
        let found = asking.find(called, otherwise);
        asking.send();
        found
    }

    /// Who is meant: somebody who is here, or the owner of an account.
    fn find_or_owner(&mut self, by: ClientId, called: &Called) -> Option<(Option<ClientId>, Name)> {
        if let Called::Name(name) = called
            && self.chat.people.find(name).is_none()
            && let Some(owner) = self.accounts.owning(name)
        {
            return Some((None, owner.account.name.clone()));
        }
        let other = self.find(by, called, "")?;
        Some((Some(other), self.chat.people[other].name.clone()))
    }

    /// Tells everybody what an operator has done.
    pub fn announce(&mut self, notice: String) {
        self.chat.apply(Fact::Told(notice));
    }
}
