//! Which rooms the bot is in, and in which of them it talks.
//!
//! A private room holds the bot and one person, and is encrypted. Where a person invites the bot to
//! a room without encryption, the bot turns it on, if the room lets it; otherwise one sentence says
//! what to do, and no content ever leaves there. In a room with a third member, too, the bot says
//! one sentence, reads nothing and says nothing else.

use std::{
    collections::BTreeMap,
    sync::Arc,
    time::{Duration, Instant},
};

use matrix_sdk::{
    Client, Room, RoomMemberships, RoomState,
    ruma::{
        OwnedRoomId, OwnedUserId, RoomId, UserId,
        events::room::{encryption::RoomEncryptionEventContent, member::MembershipState},
    },
};
use serde_json::json;

use crate::{
    account::Account,
    call::{self, Failure, failure_of},
    event::Event,
};

/// Waits between tries to join or to turn down grow from one second to this, and end after so many
/// tries.
const LONGEST_WAIT: Duration = Duration::from_mins(5);
const MAX_TRIES: u32 = 12;
/// Rooms joined or turned down between two syncs, at most.
const MAX_JOINS: usize = 10;
/// How often a room may have been upgraded, or left for another: longer chains are not followed.
const MAX_CHAIN: usize = 20;
/// How long one call may take that nobody waits for.
const COURTESY: Duration = Duration::from_secs(20);

const NOT_ALONE: &str = "I only talk one to one, so that nobody else can read it. Please start a chat with just you and me. In danger now? Call 999. To talk to somebody at any time, call Samaritans on 116 123.";
const NOT_ENCRYPTED: &str = "I only talk in encrypted chats, and I cannot turn encryption on here. Please start a new encrypted chat with me. In danger now? Call 999. To talk to somebody at any time, call Samaritans on 116 123.";
const NOW_ENCRYPTED: &str = "I have turned on encryption. What was written here before can be read by those who run the server; from now on it cannot.";

/// Rooms that the bot wants to be in and is not yet, and invitations that it turns down.
#[derive(Default)]
pub(crate) struct Joining(BTreeMap<OwnedRoomId, Try>);

struct Try {
    wish: Wish,
    at: Instant,
    tries: u32,
}

#[derive(Clone, Copy)]
enum Wish {
    Join,
    TurnDown,
}

impl Joining {
    pub(crate) fn want(&mut self, room: OwnedRoomId) {
        self.add(room, Wish::Join);
    }

    fn add(&mut self, room: OwnedRoomId, wish: Wish) {
        self.0.entry(room).or_insert(Try { wish, at: Instant::now(), tries: 0 });
    }

    /// How long until the next try.
    pub(crate) fn next(&self) -> Option<Duration> {
        self.0.values().map(|next| next.at.saturating_duration_since(Instant::now())).min()
    }

    /// Joins and turns down what is due, with invitations that the store knows of.
    pub(crate) async fn step(&mut self, account: &Account, client: &Client) {
        for room in client.invited_rooms() {
            if self.0.contains_key(room.room_id()) {
                continue;
            }
            let inviter = room.invite_details().await.ok().map(|invite| invite.inviter_id);
            let allowed = inviter.is_some_and(|inviter| account.may_invite(&inviter));
            let wish = if allowed || is_desk(account, client, &room) { Wish::Join } else { Wish::TurnDown };
            self.add(room.room_id().to_owned(), wish);
        }
        let now = Instant::now();
        let due: Vec<_> = self
            .0
            .iter()
            .filter(|(_, next)| next.at <= now)
            .map(|(room, next)| (room.clone(), next.wish))
            .take(MAX_JOINS)
            .collect();
        for (room, wish) in due {
            let outcome = match wish {
                Wish::Join => join(client, &room).await,
                Wish::TurnDown => turn_down(client, &room).await,
            };
            let Some(next) = self.0.get_mut(&room) else { continue };
            next.tries += 1;
            match outcome {
                Ok(()) => drop(self.0.remove(&room)),
                Err(failure) if next.tries >= MAX_TRIES => {
                    tracing::warn!(matrix.failure = failure.name(), "an invitation was given up");
                    self.0.remove(&room);
                    if let Some(room) = client.get_room(&room) {
                        drop(room.leave().await);
                    }
                }
                Err(_) => next.at = now + Duration::from_secs(1 << next.tries.min(9)).min(LONGEST_WAIT),
            }
        }
    }
}

async fn join(client: &Client, room: &RoomId) -> Result<(), Failure> {
    if client.get_room(room).is_some_and(|room| room.state() == RoomState::Joined) {
        return Ok(());
    }
    client.join_room_by_id(room).await.map(drop).map_err(|error| failure_of(&error))
}

async fn turn_down(client: &Client, room: &RoomId) -> Result<(), Failure> {
    let invited = |room: &Room| room.state() == RoomState::Invited;
    let Some(room) = client.get_room(room).filter(invited) else { return Ok(()) };
    room.leave().await.map_err(|error| failure_of(&error))?;
    tracing::info!("an invitation from a server that is not allowed was turned down");
    Ok(())
}

/// The room that one replaced, if each says so of the other, or that its person had left before they came
/// back in it.
fn predecessor(account: &Account, client: &Client, room: &Room) -> Option<Room> {
    if let Some(left) = account.returns().get(room.room_id()) {
        return client.get_room(left);
    }
    let older = client.get_room(&room.predecessor_room()?.room_id)?;
    (older.successor_room()?.room_id == room.room_id()).then_some(older)
}

/// The room that replaced one, if each says so of the other, or in which its person came back. The bot is
/// in it.
fn successor(account: &Account, client: &Client, room: &Room) -> Option<Room> {
    let returns = account.returns();
    let back = returns.iter().find(|(_, left)| *left == room.room_id()).map(|(back, _)| back.clone());
    drop(returns);
    let newer = if let Some(back) = back {
        client.get_room(&back)?
    } else {
        let newer = client.get_room(&room.successor_room()?.room_id)?;
        (newer.predecessor_room()?.room_id == room.room_id()).then_some(newer)?
    };
    (newer.state() == RoomState::Joined).then_some(newer)
}

/// The newest room of a chain: where texts for any of it go.
pub(crate) fn newest(account: &Account, client: &Client, room: Room) -> Room {
    let mut newest = room;
    for _ in 0..MAX_CHAIN {
        let Some(next) = successor(account, client, &newest) else { break };
        newest = next;
    }
    newest
}

/// A room and those that it replaced, the newest first.
pub(crate) fn chain(account: &Account, client: &Client, room: Room) -> Vec<Room> {
    let mut chain = vec![newest(account, client, room)];
    while chain.len() <= MAX_CHAIN
        && let Some(older) = chain.last().and_then(|room| predecessor(account, client, room))
    {
        chain.push(older);
    }
    chain
}

/// The room by which a conversation is called: the first of a chain, as long as the person was in it.
/// Somebody else's words belong to no conversation that was held there.
pub(crate) async fn first(account: &Account, client: &Client, room: &Room) -> OwnedRoomId {
    let mut first = room.clone();
    if predecessor(account, client, room).is_none() {
        return first.room_id().to_owned();
    }
    let person = match company(room).await {
        Ok(Company::One(person)) => Some(person),
        Ok(Company::Nobody | Company::More) | Err(_) => None,
    };
    for _ in 0..MAX_CHAIN {
        let Some(older) = predecessor(account, client, &first) else { break };
        if let Some(person) = &person
            && !matches!(older.get_member_no_sync(person).await, Ok(Some(_)))
        {
            break;
        }
        first = older;
    }
    first.room_id().to_owned()
}

/// The private room that somebody left, or put the bot out of, before they opened this one: nobody can come
/// back to a room that they left, so the conversation goes on where they are now. The last, if they left
/// several; none where another room has taken its place already.
pub(crate) async fn left_before(
    account: &Account,
    client: &Client,
    room: &Room,
) -> matrix_sdk::Result<Option<OwnedRoomId>> {
    let Company::One(person) = company(room).await? else { return Ok(None) };
    let taken: Vec<OwnedRoomId> = account.returns().values().cloned().collect();
    let mut last = None;
    for other in client.rooms() {
        let alone = other.active_members_count() <= 1 || other.state() != RoomState::Joined;
        if !alone
            || other.room_id() == room.room_id()
            || other.is_tombstoned()
            || taken.iter().any(|taken| taken == other.room_id())
            || is_desk(account, client, &other)
        {
            continue;
        }
        let Some(member) = other.get_member_no_sync(&person).await? else { continue };
        let end = if other.state() == RoomState::Joined {
            Some(member).filter(|member| *member.membership() == MembershipState::Leave)
        } else {
            other.get_member_no_sync(other.own_user_id()).await?
        };
        let at = end.and_then(|end| end.event().timestamp());
        if let (Some(at), Company::Nobody | Company::One(_)) = (at, company(&other).await?) {
            last = last.max(Some((at, other.room_id().to_owned())));
        }
    }
    Ok(last.map(|(_, room)| room))
}

/// Whether a room is the desk's, or replaced it, or was replaced by it.
pub(crate) fn is_desk(account: &Account, client: &Client, room: &Room) -> bool {
    let Some(desk) = &account.desk else { return false };
    if room.room_id() == desk {
        return true;
    }
    let related = room.predecessor_room().is_some() || room.successor_room().is_some();
    related && chain(account, client, room.clone()).iter().any(|room| room.room_id() == desk)
}

/// Who is in a private room, beside the bot.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Company {
    Nobody,
    One(OwnedUserId),
    More,
}

/// Who is in a room or invited to it, as the local store knows.
pub(crate) async fn company(room: &Room) -> matrix_sdk::Result<Company> {
    let mut others = others(room).await?.into_iter();
    Ok(match (others.next(), others.next()) {
        (None, _) => Company::Nobody,
        (Some(one), None) => Company::One(one),
        (Some(_), Some(_)) => Company::More,
    })
}

/// Everybody in a room or invited to it but the bot, as the local store knows.
pub(crate) async fn others(room: &Room) -> matrix_sdk::Result<Vec<OwnedUserId>> {
    let members = room.members_no_sync(RoomMemberships::ACTIVE).await?.into_iter();
    let users = members.map(|member| member.user_id().to_owned());
    Ok(users.filter(|user| user != room.own_user_id()).collect())
}

/// Turns on encryption. The store knows of it only after the next sync.
pub(crate) async fn encrypt(room: &Room) -> Result<(), Failure> {
    let content = RoomEncryptionEventContent::with_recommended_defaults();
    room.send_state_event(content).await.map(drop).map_err(|error| failure_of(&error))
}

/// Whether a room is encrypted; asks the homeserver where the store does not know.
pub(crate) async fn is_encrypted(room: &Room) -> Result<bool, Failure> {
    match room.latest_encryption_state().await {
        Ok(state) => Ok(state.is_encrypted()),
        Err(error) => Err(failure_of(&error)),
    }
}

/// What an event changes about a room that needs an answer which is no conversation.
pub(crate) fn settle(account: &Arc<Account>, room: &RoomId, event: &Event) {
    let mine = event.sender == account.me;
    let new = !matches!(event.before.as_deref(), Some("join"));
    let what = match event.membership() {
        Some((user, "join")) if user == account.me && new => Change::Joined,
        // Who was invited has been counted then.
        Some((user, "join")) if user != account.me && new && event.before.as_deref() != Some("invite") => {
            Change::Company
        }
        Some((user, "invite")) if user != account.me => Change::Company,
        _ if event.kind == "m.room.encryption" && mine => Change::Encrypted,
        _ => return,
    };
    let (of, room, event) = (Arc::clone(account), room.to_owned(), event.id.to_string());
    account.spawn(async move {
        let account = of;
        // Holds the client open for as long as this takes.
        let Some(client) = account.client().await else { return };
        let Some(room) = client.get_room(&room) else { return };
        let done = async {
            let desk = is_desk(&account, &client, &room);
            match what {
                Change::Joined => {
                    if !is_encrypted(&room).await?
                        && let Err(failure) = encrypt(&room).await
                    {
                        tracing::warn!(
                            matrix.failure = failure.name(),
                            matrix.desk = desk,
                            "a room without encryption does not let the bot turn it on"
                        );
                        return say(&room, NOT_ENCRYPTED, &event).await;
                    }
                    if !desk && company(&room).await.map_err(|error| failure_of(&error))? == Company::More {
                        return say(&room, NOT_ALONE, &event).await;
                    }
                    if !desk && room.topic().is_none_or(|topic| topic.is_empty()) {
                        room.set_room_topic(&account.topic).await.map_err(|error| failure_of(&error))?;
                    }
                    Ok(())
                }
                Change::Company if desk => Ok(()),
                Change::Company => match company(&room).await.map_err(|error| failure_of(&error))? {
                    Company::More => say(&room, NOT_ALONE, &event).await,
                    Company::Nobody | Company::One(_) => Ok(()),
                },
                Change::Encrypted if desk || is_ours(&room) => Ok(()),
                Change::Encrypted => say(&room, NOW_ENCRYPTED, &event).await,
            }
        };
        if let Err(failure) = tokio::time::timeout(COURTESY, done).await.unwrap_or(Err(Failure::Unknown)) {
            tracing::debug!(matrix.failure = failure.name(), "a room could not be settled");
        }
    });
}

/// Whether the bot made the room itself, encrypted from the start.
fn is_ours(room: &Room) -> bool {
    room.create_content().is_some_and(|create| create.creator == room.own_user_id())
}

enum Change {
    Joined,
    Company,
    Encrypted,
}

/// Says one sentence without any content, once for the event that calls for it.
async fn say(room: &Room, sentence: &str, because: &str) -> Result<(), Failure> {
    let content = json!({ "msgtype": "m.notice", "body": sentence, "m.mentions": {} });
    let sent = call::put(room, "m.room.message", content, &format!("room/{because}")).await;
    sent.map(drop).map_err(|error| failure_of(&error))
}

/// The private room with somebody, if there is one that can be used. The one that both know as a
/// direct chat comes first.
pub(crate) async fn direct_with(client: &Client, who: &UserId) -> Option<Room> {
    let mut found: Option<Room> = None;
    for room in client.joined_rooms() {
        let there = room.get_member_no_sync(who).await.ok().flatten().is_some();
        if !there || room.is_tombstoned() || !matches!(is_encrypted(&room).await, Ok(true)) {
            continue;
        }
        if company(&room).await.ok() == Some(Company::One(who.to_owned())) {
            let better = room.is_direct().await.unwrap_or(false);
            if better || found.is_none() {
                found = Some(room);
            }
            if better {
                break;
            }
        }
    }
    found
}
