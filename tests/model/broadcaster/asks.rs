//! What those who are here may ask for, in the model of the chat.

use super::chat::{Chat, HISTORY, MOTD, time};
use super::reading::Origin;
use super::script::{Addressee, Ask};

/// Nobody writes to whom more than this is pending already, in bytes.
const FAR_BEHIND: usize = 512 << 10;

impl Chat {
    /// `text` is what they say with it, if they say anything.
    pub fn ask(&mut self, me: usize, ask: &Ask, text: &str, now: u64) {
        self.hear(me, now);
        if self.refuses(me, ask) {
            return;
        }
        match ask {
            Ask::Nick(name) => self.nick(me, name),
            Ask::Me => {
                self.announce(me);
                let line = format!("* {} {text}", self.people[me].name);
                self.publish(Origin::Done(me), &line);
                self.remember(me, &line, now);
            }
            Ask::Msg(to) => {
                if let Some(to) = self.find_or(me, *to, ", nothing was sent") {
                    self.write_privately(me, to, text);
                }
            }
            Ask::Reply => match self.people[me].correspondent {
                None => self.tell(me, "-- nobody has written to you yet"),
                Some(to) if self.people[to].is_gone() => {
                    let name = self.people[to].name.clone();
                    self.tell(me, &format!("-- {name} has left, nothing was sent"))
                }
                Some(to) => self.write_privately(me, to, text),
            },
            Ask::Ignore(other) => match self.find(me, *other) {
                Some(other) if other == me => self.tell(me, "-- you cannot ignore yourself"),
                Some(other) => self.ignore(me, other),
                None => {}
            },
            Ask::Unignore(other) => {
                if let Some(other) = self.find(me, *other) {
                    let was_ignored = self.people[me].ignored.remove(&other);
                    self.people[me].reading.change_authors(&[other]);
                    let what = if was_ignored { "no longer" } else { "do not" };
                    let name = &self.people[other].name;
                    self.tell(me, &format!("-- you {what} ignore {name}"));
                }
            }
            Ask::Ignored => {
                let ignored = self.people[me]
                    .ignored
                    .iter()
                    .map(|other| &self.people[*other]);
                let ignored = ignored.filter(|other| !other.is_gone());
                let names = ignored.map(|other| other.name.as_str()).collect::<Vec<_>>();
                match names.len() {
                    0 => self.tell(me, "-- you ignore nobody"),
                    _ => self.tell(me, &format!("-- you ignore: {}", names.join(", "))),
                }
            }
            Ask::Quiet => {
                let is_quiet = !self.people[me].is_quiet;
                self.people[me].is_quiet = is_quiet;
                self.people[me].reading.change_presence(me);
                let what = if is_quiet {
                    "hidden now"
                } else {
                    "shown again"
                };
                self.tell(me, &format!("-- joins and departures are {what}"));
            }
            Ask::Away | Ask::AwaySilently => {
                self.people[me].away = Some(match ask {
                    Ask::Away => format!("is away: \"{text}\""),
                    _ => "is away".to_owned(),
                });
                self.tell(me, "-- you are away");
            }
            Ask::Back => {
                self.people[me].away = None;
                self.tell(me, "-- you are back");
            }
            Ask::History(most) => {
                if !self.show_history(me, most.unwrap_or(HISTORY)) {
                    let nothing = match self.history.len() {
                        0 if !self.has_erased => "-- nothing has been said yet",
                        _ => "-- nothing to show",
                    };
                    self.tell(me, nothing);
                }
            }
            Ask::Who => self.who(me),
            Ask::Whois(other) => {
                let name = self.name_of(*other);
                if self.named(&name).is_none()
                    && let Some(line) = self.absent(&name)
                {
                    self.tell(me, &line);
                } else if let Some(other) = self.find(me, *other) {
                    self.whois(me, other, now);
                }
            }
            Ask::Motd => self.tell(me, &format!("-- {MOTD}")),
            order => self.order(me, order, text, now),
        }
    }

    fn ignore(&mut self, me: usize, other: usize) {
        // Whoever has left meanwhile is forgotten.
        let mut ignored = std::mem::take(&mut self.people[me].ignored);
        let gone = ignored
            .iter()
            .filter(|other| self.people[**other].is_gone());
        let changed = gone.copied().chain([other]).collect::<Vec<_>>();
        ignored.retain(|other| !changed.contains(other));
        ignored.insert(other);
        self.people[me].ignored = ignored;
        self.people[me].reading.change_authors(&changed);
        let line = format!("-- you ignore {} now", self.people[other].name);
        self.tell(me, &line);
    }

    pub fn named(&self, name: &str) -> Option<usize> {
        let is_named = |who: &usize| look(&self.people[*who].name) == look(name);
        self.here().find(is_named)
    }

    /// The name that an addressee is called by.
    pub fn name_of(&self, addressee: Addressee) -> String {
        match addressee {
            Addressee::Named(name) => shown(name),
            Addressee::Here(who) => {
                let here = self.here().collect::<Vec<_>>();
                self.people[here[who % here.len()]].name.clone()
            }
        }
    }

    pub fn find(&mut self, me: usize, addressee: Addressee) -> Option<usize> {
        self.find_or(me, addressee, "")
    }

    pub fn find_or(&mut self, me: usize, addressee: Addressee, otherwise: &str) -> Option<usize> {
        let name = self.name_of(addressee);
        let found = self.named(&name);
        match found {
            // Who is spoken of has been told of before.
            Some(who) => self.announce(who),
            None => self.tell(me, &format!("-- {name} is not here{otherwise}")),
        }
        found
    }

    fn nick(&mut self, me: usize, name: &str) {
        let old = self.people[me].name.clone();
        if ["you", "admin"].contains(&name) || name.starts_with("guest") {
            let why = "that name is kept for the server, or looks like one that is";
            self.tell(me, &format!("-- {why}: \"{name}\""));
        } else if let Some(why) = self.why_not_called(me, name) {
            self.tell(me, &why);
        } else if self.named(name).is_some_and(|who| who != me) {
            let why = "that name is taken, or looks like one that is";
            self.tell(me, &format!("-- {why}: \"{name}\""));
        } else if shown(name) == old {
            self.tell(me, &format!("-- you are {old} already"));
        } else {
            self.rename(me, &shown(name));
        }
    }

    fn write_privately(&mut self, me: usize, to: usize, text: &str) {
        self.announce(me);
        let [author, reader] = [me, to].map(|who| self.people[who].name.clone());
        if self.people[to].reading.alone_unread() > FAR_BEHIND {
            let refusal = format!("-- {reader} is too far behind, nothing was sent");
            return self.tell(me, &refusal);
        }
        self.tell(me, &format!("[you -> {reader}] {text}"));
        if let Some(away) = &self.people[to].away {
            self.tell(me, &format!("-- {reader} {away}"));
        }
        if !self.people[to].ignored.contains(&me) {
            self.tell(to, &format!("[{author} -> you] {text}"));
            self.people[to].correspondent = Some(me);
        }
    }

    /// Shows the last lines again; answers whether there were any.
    pub fn show_history(&mut self, me: usize, most: usize) -> bool {
        let ignored = &self.people[me].ignored;
        let lines = self
            .history
            .iter()
            .filter(|said| !ignored.contains(&said.by));
        let lines = lines.map(|said| said.line.clone()).collect::<Vec<_>>();
        let lines = &lines[lines.len().saturating_sub(most)..];
        if lines.is_empty() {
            return false;
        }
        let title = match lines.len() {
            1 => "-- the last line, times in UTC:".to_owned(),
            count => format!("-- the last {count} lines, times in UTC:"),
        };
        self.tell(me, &title);
        for line in lines {
            self.tell(me, line);
        }
        true
    }

    fn who(&mut self, me: usize) {
        let shown = self.here().filter(|who| self.people[*who].is_announced);
        let mut shown = shown.collect::<Vec<_>>();
        if !self.people[me].is_announced {
            shown.push(me);
        }
        self.tell(me, &format!("-- {} here:", shown.len()));
        let mut line = String::new();
        for who in shown {
            let person = &self.people[who];
            let you = if who == me { " (you)" } else { "" };
            let away = if person.away.is_some() { " (away)" } else { "" };
            let item = format!("{}{}{you}{away}", self.mark(who), person.name);
            if line.is_empty() {
                line = item;
            } else if columns(&line) + columns(&item) + 6 <= 78 {
                line = format!("{line}, {item}");
            } else {
                self.tell(me, &format!("-- {line},"));
                line = item;
            }
        }
        self.tell(me, &format!("-- {line}"));
    }

    fn whois(&mut self, me: usize, other: usize, now: u64) {
        let person = &self.people[other];
        let away = person.away.as_deref().unwrap_or_default();
        let line = format!(
            "-- {}{} joined at {} ({} ago), idle for {}{}{}",
            person.name,
            self.words(other),
            time(person.joined),
            duration(now - person.joined),
            duration(now - person.last_heard),
            self.place_shown_to(me, other),
            away.replacen("is ", ", ", 1)
        );
        self.tell(me, &line);
    }
}

/// What the server writes a name as.
pub fn shown(name: &str) -> String {
    if name.is_ascii() {
        name.to_owned()
    } else {
        format!("\u{200e}{name}\u{200e}")
    }
}

/// What the names of a run look like in upper case, where nobody can tell `0` from `O`.
pub fn look(name: &str) -> String {
    let name = name.trim_matches('\u{200e}');
    name.to_ascii_uppercase().replace('0', "O")
}

/// How many columns the server leaves for names.
fn columns(text: &str) -> usize {
    let marks = text.matches('\u{200e}').count();
    text.chars().count() + marks
}

/// So many milliseconds, as people read them.
pub fn duration(milliseconds: u64) -> String {
    let seconds = milliseconds / 1_000;
    match (seconds / 60, seconds % 60) {
        (0, seconds) => format!("{seconds}s"),
        (minutes, 0) => format!("{minutes}m"),
        (minutes, seconds) => format!("{minutes}m {seconds}s"),
    }
}
