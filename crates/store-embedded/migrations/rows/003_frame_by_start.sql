-- Retention is a device's: what is old of it is found without looking through the rest.

DROP INDEX frame_by_age;
CREATE INDEX frame_by_start ON frame (device, first_ms);
