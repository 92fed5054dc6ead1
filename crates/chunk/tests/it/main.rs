mod arbitrary;
mod damage;
mod fixtures;
mod round_trip;
