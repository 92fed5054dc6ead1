//! Raw frames.

use model::{Frame, Reading, Window};

use super::fixtures::{Probe, at, frame, minutes, row};
use crate::{Store, StoredFrame, StoredUplink};

pub async fn a_frame_reads_back_with_all_that_came_with_it(store: &dyn Store) {
    let probe = Probe::bind(store).await;
    let full = Frame { fault: Some("record cut short at byte `9`".into()), ..frame(&[0x01, 0x00, 0xFF]) };
    let bare = Frame { f_port: 255, f_cnt: None, payload: [].into(), ..Frame::default() };
    let highest = Frame { f_cnt: Some(u32::MAX), frequency_hz: u32::MAX, data_rate: Some(0), ..bare.clone() };
    let frames = [full, bare, highest];
    for (minute, frame) in frames.iter().enumerate() {
        probe.append_one(StoredUplink { frame: Some(frame.clone()), ..probe.uplink(minute as i64, []) }).await;
    }
    let mut read: Vec<_> = probe.frames(Window::ALL, 10).await.into_iter().map(|stored| stored.frame).collect();
    read.reverse();
    assert_eq!(read, frames);
}

pub async fn frames_are_found_by_when_they_were_received_newest_position_first(store: &dyn Store) {
    let probe = Probe::bind(store).await;
    let framed = |received: i64, measured: i64| StoredUplink {
        frame: Some(frame(&[received as u8])),
        ..probe.uplink_of(received, [row(measured, [Reading::new(1, 4097, 1.0)])])
    };
    // The clock stepped back once: the order is that of positions.
    let appended = probe.append([framed(3, 90), framed(1, 80), framed(2, -70), framed(4, 0)]).await;
    let frames = async |window, limit| {
        let frames = probe.frames(window, limit).await;
        frames.iter().map(|stored| stored.frame.payload[0]).collect::<Vec<_>>()
    };
    assert_eq!(frames(Window::ALL, 10).await, [4, 2, 1, 3]);
    assert_eq!(frames(Window::ALL, 3).await, [4, 2, 1]);
    assert_eq!(frames(minutes(1..3), 10).await, [2, 1]);
    assert_eq!(frames(minutes(2..4), 1).await, [2]);
    assert_eq!(frames(minutes(2..2), 1).await, []);
    assert_eq!(frames(Window::ALL, 0).await, []);
    let newest = StoredFrame { position: appended[3].position, received_at: at(4), frame: frame(&[4]) };
    assert_eq!(probe.frames(Window::ALL, 1).await, [newest]);
}

pub async fn an_uplink_that_came_without_bytes_has_no_frame(store: &dyn Store) {
    let probe = Probe::bind(store).await;
    probe.append_one(probe.uplink(0, [Reading::status(3000, 90.0)])).await;
    assert_eq!(probe.frames(Window::ALL, 10).await, []);
}
