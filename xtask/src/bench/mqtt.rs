//! A client of MQTT 3.1.1 that does as little as one can, so that what is measured is the server.

use std::net::SocketAddr;

use anyhow::{bail, ensure};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt, BufReader},
    net::{TcpSocket, TcpStream},
};

/// User and password, where they are asked for.
pub(super) type Login = Option<(String, String)>;

pub(super) struct Client {
    socket: BufReader<TcpStream>,
    body: Vec<u8>,
}

fn text(text: &str) -> Vec<u8> {
    [&(text.len() as u16).to_be_bytes()[..], text.as_bytes()].concat()
}

fn packet(first: u8, body: &[u8]) -> Vec<u8> {
    let (mut bytes, mut length) = (vec![first], body.len());
    while length >= 0x80 {
        bytes.push(length as u8 | 0x80);
        length >>= 7;
    }
    bytes.push(length as u8);
    bytes.extend_from_slice(body);
    bytes
}

/// So many messages in a row.
pub(super) fn publishes(topic: &str, body: &[u8], qos: u8, count: u16) -> Vec<u8> {
    let message = |number: u16| {
        let id = if qos > 0 { number.to_be_bytes().to_vec() } else { Vec::new() };
        packet(0x30 | qos << 1, &[text(topic), id, body.to_vec()].concat())
    };
    (1..=count).flat_map(message).collect()
}

impl Client {
    pub(super) async fn connect(address: SocketAddr, name: &str, login: &Login) -> anyhow::Result<Self> {
        let socket = TcpStream::connect(address).await?;
        Self::enter(socket, name, login).await
    }

    /// One whose system takes in little that it does not read.
    pub(super) async fn connect_narrow(address: SocketAddr, name: &str, login: &Login) -> anyhow::Result<Self> {
        let socket = TcpSocket::new_v4()?;
        socket.set_recv_buffer_size(4_096)?;
        Self::enter(socket.connect(address).await?, name, login).await
    }

    async fn enter(socket: TcpStream, name: &str, login: &Login) -> anyhow::Result<Self> {
        socket.set_nodelay(true)?;
        let mut client = Self { socket: BufReader::with_capacity(1_024, socket), body: Vec::new() };
        let (flags, proof) = match login {
            Some((user, password)) => (0xC2, [text(user), text(password)].concat()),
            None => (0x02, Vec::new()),
        };
        // Keep-alive is ten minutes: rumqttd wants one.
        let body = [text("MQTT"), vec![4, flags, 0x02, 0x58], text(name), proof].concat();
        client.send(&packet(0x10, &body)).await?;
        ensure!(client.packet().await? == 0x20 && client.body == [0, 0], "the broker refuses: {:?}", client.body);
        Ok(client)
    }

    pub(super) async fn subscribe(&mut self, filter: &str, qos: u8) -> anyhow::Result<()> {
        self.send(&packet(0x82, &[&[0, 1][..], &text(filter), &[qos]].concat())).await?;
        ensure!(self.packet().await? == 0x90 && self.body == [0, 1, qos], "no subscription: {:?}", self.body);
        Ok(())
    }

    pub(super) async fn send(&mut self, bytes: &[u8]) -> anyhow::Result<()> {
        Ok(self.socket.get_mut().write_all(bytes).await?)
    }

    /// Waits for the next message, and acknowledges it.
    pub(super) async fn receive(&mut self) -> anyhow::Result<()> {
        let first = self.packet().await?;
        match first & 0xF6 {
            0x30 => Ok(()),
            0x32 => {
                let at = 2 + usize::from(u16::from_be_bytes([self.body[0], self.body[1]]));
                let answer = [0x40, 2, self.body[at], self.body[at + 1]];
                self.send(&answer).await
            }
            _ => bail!("{first:x} is no message"),
        }
    }

    pub(super) async fn acknowledged(&mut self) -> anyhow::Result<()> {
        let first = self.packet().await?;
        ensure!(first == 0x40, "{first:x} acknowledges nothing");
        Ok(())
    }

    pub(super) fn into_socket(self) -> TcpStream {
        self.socket.into_inner()
    }

    async fn packet(&mut self) -> anyhow::Result<u8> {
        let first = self.socket.read_u8().await?;
        let (mut length, mut shift) = (0, 0);
        loop {
            let byte = self.socket.read_u8().await?;
            length |= usize::from(byte & 0x7F) << shift;
            shift += 7;
            if byte & 0x80 == 0 {
                break;
            }
        }
        self.body.resize(length, 0);
        self.socket.read_exact(&mut self.body).await?;
        Ok(first)
    }
}
