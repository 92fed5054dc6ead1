use model::{
    Deed, Email, Invite, OrgId, Organization, PasswordHash, Person, PersonId, Role, SecretHash, Session, Timestamp,
};

use super::{
    query::print,
    world::{ORGANIZATIONS, World},
};
use crate::{
    Error, PersonChange, Store,
    conformance::fixtures::{MINUTE_MS, org, organization},
};

/// How many ids there are for people; there are fewer addresses.
const PEOPLE: u64 = 7;
const ADDRESSES: u64 = 6;
const TOKENS: u8 = 8;

/// Something to do or ask about people, and what they are let in with.
#[derive(Debug, Clone)]
pub(super) enum People {
    CreateInvite(Invite),
    FindInvite(SecretHash),
    ListInvites(OrgId),
    DeleteInvite(Option<OrgId>, SecretHash),
    ExpireInvites(Timestamp),
    Accept(SecretHash, Person, Option<Organization>),
    Create(Person),
    List(OrgId),
    Count,
    Find(Email),
    Update(OrgId, PersonId, PersonChange),
    Remove(OrgId, PersonId),
    CreateSession(Session),
    FindSession(SecretHash),
    Touch(SecretHash, Timestamp),
    ListSessions(OrgId),
    EndSession(OrgId, SecretHash),
    ExpireSessions(Timestamp),
    Record(Deed),
    /// Two pages, so that the numbers that a store gives do not show.
    ListDeeds(OrgId, usize, usize),
}

impl People {
    pub(super) fn random(world: &mut World) -> Self {
        let now = world.now;
        let org = world.org();
        let rng = &mut world.rng;
        let token = SecretHash([rng.below(u64::from(TOKENS)) as u8; 32]);
        let id = PersonId::from_raw(rng.below(PEOPLE));
        let role = *rng.pick(&Role::ALL);
        let name = rng.pick(&["", "Ada", "Jürg d'Ost"]).to_string();
        let password = PasswordHash(format!("$argon2id${}", rng.below(1_000)));
        let person = Person {
            id,
            org,
            email: email(rng.below(ADDRESSES)),
            name: name.clone(),
            role,
            is_operator: rng.percent(20),
            password: password.clone(),
            time_zone: "Europe/Zurich".to_owned(),
            created_at: now,
        };
        match rng.below(100) {
            0..=9 => Self::CreateInvite(Invite {
                token,
                org: rng.percent(70).then_some(org),
                role,
                is_operator: rng.percent(20),
                note: name,
                created_at: now,
                expires_at: now.plus_ms(rng.between(-MINUTE_MS, 3 * 24 * 60 * MINUTE_MS)),
            }),
            10..=12 => Self::FindInvite(token),
            13..=15 => Self::ListInvites(org),
            16..=17 => Self::DeleteInvite(rng.percent(80).then_some(org), token),
            18 => Self::ExpireInvites(now),
            19..=28 => {
                let founded = organization(1 + rng.below(ORGANIZATIONS));
                Self::Accept(token, person, rng.percent(60).then_some(founded))
            }
            29..=36 => Self::Create(person),
            37..=40 => Self::List(org),
            41 => Self::Count,
            42..=45 => Self::Find(person.email),
            46..=55 => {
                let change = PersonChange {
                    name: rng.percent(30).then_some(name),
                    role: rng.percent(50).then_some(role),
                    time_zone: rng.percent(20).then(|| "UTC".to_owned()),
                    password: rng.percent(30).then_some(password),
                    keep: rng.percent(50).then_some(token),
                };
                Self::Update(org, id, change)
            }
            56..=60 => Self::Remove(org, id),
            61..=70 => {
                let agent = "Browser/1.0".repeat(rng.index(3));
                let address = "2001:db8::7".to_owned();
                Self::CreateSession(Session { token, person: id, created_at: now, seen_at: now, address, agent })
            }
            71..=77 => Self::FindSession(token),
            78..=82 => Self::Touch(token, now.plus_ms(rng.between(-MINUTE_MS, MINUTE_MS))),
            83..=85 => Self::ListSessions(org),
            86..=88 => Self::EndSession(org, token),
            89 => Self::ExpireSessions(now.minus_ms(rng.between(0, 24 * 60 * MINUTE_MS))),
            90..=95 => Self::Record(Deed {
                org,
                at: now.plus_ms(rng.between(-MINUTE_MS, MINUTE_MS)),
                actor: person.email.to_string(),
                address: String::new(),
                action: "device.rename".to_owned(),
                subject: id.to_string(),
                detail: name,
            }),
            _ => Self::ListDeeds(org, rng.index(4), rng.index(20)),
        }
    }

    /// Everything there is to ask.
    pub(super) fn all() -> Vec<Self> {
        let mut all = vec![Self::Count];
        for number in 1..=ORGANIZATIONS {
            let org = org(number);
            all.extend([Self::ListInvites(org), Self::List(org), Self::ListSessions(org)]);
            all.push(Self::ListDeeds(org, 3, 1_000));
        }
        all.extend((0..ADDRESSES).map(|number| Self::Find(email(number))));
        for token in (0..TOKENS).map(|byte| SecretHash([byte; 32])) {
            all.extend([Self::FindInvite(token), Self::FindSession(token)]);
        }
        all
    }

    /// The answer as text, with the hashes that do not print themselves.
    pub(super) async fn ask(&self, store: &dyn Store) -> String {
        match self.clone() {
            Self::CreateInvite(invite) => print(store.create_invite(invite).await),
            Self::FindInvite(token) => print(store.find_invite(token).await.map(|found| found.map(open_invite))),
            Self::ListInvites(org) => print(store.list_invites(org).await.map(|all| each(all, open_invite))),
            Self::DeleteInvite(org, token) => print(store.delete_invite(org, token).await),
            Self::ExpireInvites(now) => print(store.expire_invites(now).await),
            Self::Accept(token, person, founded) => {
                print(store.accept_invite(token, person, founded).await.map(open_person))
            }
            Self::Create(person) => print(store.create_person(person).await),
            Self::List(org) => print(store.list_people(org).await.map(|all| each(all, open_person))),
            Self::Count => print(store.count_people().await),
            Self::Find(email) => print(store.find_person(&email).await.map(|found| found.map(open_person))),
            Self::Update(org, id, change) => print(store.update_person(org, id, change).await),
            Self::Remove(org, id) => print(store.remove_person(org, id).await),
            Self::CreateSession(session) => print(store.create_session(session).await),
            Self::FindSession(token) => {
                let found = store.find_session(token).await;
                let open = |session: Session, person| (open_session(session), open_person(person));
                print(found.map(|found| found.map(|found| open(found.0.clone(), found.1.clone()))))
            }
            Self::Touch(token, at) => print(store.touch_session(token, at).await),
            Self::ListSessions(org) => print(store.list_sessions(org).await.map(|all| each(all, open_session))),
            Self::EndSession(org, token) => print(store.end_session(org, token).await),
            Self::ExpireSessions(before) => print(store.expire_sessions(before).await),
            Self::Record(deed) => print(store.record(deed).await),
            Self::ListDeeds(org, first, second) => print(list_deeds(store, org, first, second).await),
        }
    }
}

fn email(number: u64) -> Email {
    format!("person-{number}@example.org").parse().expect("an address")
}

async fn list_deeds(store: &dyn Store, org: OrgId, first: usize, second: usize) -> Result<Vec<Vec<Deed>>, Error> {
    let newest = store.list_deeds(org, None, first).await?;
    let last = newest.last().map(|(number, _)| *number);
    let older = store.list_deeds(org, last, second).await?;
    Ok([newest, older].map(|page| each(page, |(_, deed)| deed)).into())
}

fn each<T, U>(all: Vec<T>, open: impl Fn(T) -> U) -> Vec<U> {
    all.into_iter().map(open).collect()
}

fn open_invite(invite: Invite) -> (u8, Invite) {
    (invite.token.0[0], invite)
}

fn open_person(person: Person) -> (String, Person) {
    (person.password.0.clone(), person)
}

fn open_session(session: Session) -> (u8, Session) {
    (session.token.0[0], session)
}
