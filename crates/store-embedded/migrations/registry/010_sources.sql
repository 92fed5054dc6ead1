-- Devices that prove themselves are found by their EUI alone.

CREATE INDEX device_by_eui ON device (eui);
